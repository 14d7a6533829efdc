import { ref, watch, type Ref, type ShallowRef } from 'vue';
import { useLoaded, type Loaded } from '@/shared/loading/loaded';

export interface Revealing<T> {
  state: ShallowRef<Loaded<T>>;
  isBusy: Ref<boolean>;
  reload: () => Promise<void>;
  /** Masked becomes plain, which the server records, and back. */
  toggle: () => Promise<void>;
}

/** One entry of a register, masked at first and again for every other `id`. */
export function useRevealing<T>(id: () => string, load: (id: string, reveal: boolean, signal: AbortSignal) => Promise<T>): Revealing<T> {
  const isPlain = ref(false);
  const isBusy = ref(false);
  watch(id, () => (isPlain.value = false), { flush: 'sync' });
  const { state, reload } = useLoaded((signal) => load(id(), isPlain.value, signal), id);

  async function toggle(): Promise<void> {
    if (isBusy.value) return;
    isBusy.value = true;
    isPlain.value = !isPlain.value;
    await reload();
    isBusy.value = false;
  }

  return { state, isBusy, reload, toggle };
}
