import { onScopeDispose, shallowRef, watch, type ShallowRef, type WatchSource } from 'vue';
import { problemOf, type Problem } from '@/api/problem';

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

/** Loads the first page now and whenever `on` changes; an older load that is overtaken is aborted and forgotten. */
export function usePages<T>(load: LoadPage<T>, on: WatchSource): PagedList<T> {
  const state = shallowRef<Pages<T>>({ is: 'loading' });
  let current: AbortController | null = null;

  function begin(): AbortController {
    current?.abort();
    return (current = new AbortController());
  }

  async function reload(): Promise<void> {
    const mine = begin();
    try {
      const { items, next } = await load(null, mine.signal);
      if (mine === current) state.value = { is: 'ready', items, next, more: 'idle' };
    } catch (thrown) {
      if (mine === current && !mine.signal.aborted) state.value = { is: 'failed', problem: problemOf(thrown) };
    }
  }

  async function loadMore(): Promise<void> {
    const before = state.value;
    if (before.is !== 'ready' || before.next === null || before.more === 'loading') return;
    const mine = begin();
    state.value = { ...before, more: 'loading' };
    try {
      const page = await load(before.next, mine.signal);
      if (mine === current) state.value = { is: 'ready', items: [...before.items, ...page.items], next: page.next, more: 'idle' };
    } catch {
      if (mine === current) state.value = { ...before, more: 'failed' };
    }
  }

  watch(
    on,
    () => {
      state.value = { is: 'loading' };
      void reload();
    },
    { immediate: true },
  );
  onScopeDispose(() => current?.abort());
  return { state, reload, loadMore };
}
