import { onScopeDispose, shallowRef, watch, type ShallowRef, type WatchSource } from 'vue';
import { problemOf, type Problem } from '@/api/problem';
import { latestOnly } from './latest';

/** A list that comes page by page: the ones read so far, and where the next begins. */
export type Pages<T> =
  | { is: 'loading' }
  | { is: 'failed'; problem: Problem }
  | { is: 'ready'; items: T[]; next: string | null; more: 'idle' | 'loading' | 'failed' };

export type LoadPage<T> = (cursor: string | null, signal: AbortSignal) => Promise<{ items: T[]; next: string | null }>;

export interface PagedList<T> {
  state: ShallowRef<Pages<T>>;
  reload: () => Promise<void>;
  loadMore: () => Promise<void>;
}

export function itemsOf<T>(pages: Pages<T>): T[] {
  return pages.is === 'ready' ? pages.items : [];
}

/** Loads the first page now and whenever `on` changes; an older load that is overtaken is aborted and forgotten. */
export function usePages<T>(load: LoadPage<T>, on: WatchSource): PagedList<T> {
  const state = shallowRef<Pages<T>>({ is: 'loading' });
  const latest = latestOnly();

  function reload(): Promise<void> {
    return latest.run((signal) => load(null, signal), {
      ready: ({ items, next }) => (state.value = { is: 'ready', items, next, more: 'idle' }),
      failed: (thrown) => (state.value = { is: 'failed', problem: problemOf(thrown) }),
    });
  }

  /** What has been read so far may be changed meanwhile: the page comes behind what is there when it arrives. */
  async function loadMore(): Promise<void> {
    const before = state.value;
    if (before.is !== 'ready' || before.next === null || before.more === 'loading') return;
    const from = before.next;
    state.value = { ...before, more: 'loading' };
    await latest.run((signal) => load(from, signal), {
      ready: ({ items, next }) => (state.value = { is: 'ready', items: [...itemsOf(state.value), ...items], next, more: 'idle' }),
      failed: () => state.value.is === 'ready' && (state.value = { ...state.value, more: 'failed' }),
    });
  }

  watch(
    on,
    () => {
      state.value = { is: 'loading' };
      void reload();
    },
    { immediate: true },
  );
  onScopeDispose(latest.abort);
  return { state, reload, loadMore };
}
