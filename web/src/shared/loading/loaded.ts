import { onScopeDispose, shallowRef, watch, type ShallowRef, type WatchSource } from 'vue';
import { problemOf, type Problem } from '@/api/problem';
import { latestOnly } from './latest';

/** What an async view shows: one of three, never two at once. */
export type Loaded<T> = { is: 'loading' } | { is: 'failed'; problem: Problem } | { is: 'ready'; value: T };

export interface Loading<T> {
  state: ShallowRef<Loaded<T>>;
  /** Load again. The old value stays in sight until the new one is there. */
  reload: () => Promise<void>;
}

/** Loads now and whenever `on` changes; an older load that is overtaken is aborted and forgotten. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, on?: WatchSource): Loading<T> {
  const state = shallowRef<Loaded<T>>({ is: 'loading' });
  const latest = latestOnly();

  function run(): Promise<void> {
    return latest.run(load, {
      ready: (value) => (state.value = { is: 'ready', value }),
      failed: (thrown) => (state.value = { is: 'failed', problem: problemOf(thrown) }),
    });
  }

  if (on) {
    watch(on, () => {
      state.value = { is: 'loading' };
      void run();
    });
  }
  onScopeDispose(latest.abort);
  void run();
  return { state, reload: run };
}
