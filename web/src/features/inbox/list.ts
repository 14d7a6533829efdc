/** The list of the inbox: one view, one filter, as many pages as somebody scrolls to. */

import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import { answer, client, problemOf, type Problem } from '@/api/client';
import type { Narrowing, WorkItem } from '@/api/work-items';
import { narrowingOf, type Filter } from '@/shared/inbox-filter';

export const PAGE = 50;

type Narrowed = { [name in keyof Narrowing]: NonNullable<Narrowing[name]> };

export type Inbox =
  | { is: 'loading' }
  | { is: 'failed'; problem: Problem }
  | { is: 'ready'; items: WorkItem[]; next: string | null; more: 'idle' | 'loading' | 'failed' };

export type LoadPage = (filter: Filter, cursor: string | null, signal: AbortSignal) => Promise<{ items: WorkItem[]; next: string | null }>;

function loadPage(filter: Filter, cursor: string | null, signal: AbortSignal) {
  const set = Object.entries(narrowingOf(filter)).filter(([, value]) => value !== null);
  const query = { view: filter.view, ...(Object.fromEntries(set) as Partial<Narrowed>), limit: PAGE, ...(cursor && { cursor }) };
  return answer(client.GET('/api/v1/inbox', { params: { query }, signal }));
}

export interface InboxList {
  state: ShallowRef<Inbox>;
  items: ComputedRef<WorkItem[]>;
  /** The item keys act on. */
  current: Ref<string | null>;
  reload: () => Promise<void>;
  loadMore: () => Promise<void>;
  /** Moves to the next or the previous item; loads more at the end. */
  move: (by: 1 | -1) => void;
  /** Puts in an item as the server now tells it. */
  replace: (item: WorkItem) => void;
  remove: (id: string) => void;
}

export function useInboxList(filter: Ref<Filter>, load: LoadPage = loadPage): InboxList {
  const state = shallowRef<Inbox>({ is: 'loading' });
  const current = ref<string | null>(null);
  const items = computed(() => (state.value.is === 'ready' ? state.value.items : []));
  let asked: AbortController | null = null;

  function begin(): AbortController {
    asked?.abort();
    return (asked = new AbortController());
  }

  async function reload() {
    const mine = begin();
    try {
      const page = await load(filter.value, null, mine.signal);
      if (mine !== asked) return;
      show(page.items, page.next);
    } catch (thrown) {
      if (mine === asked && !mine.signal.aborted) state.value = { is: 'failed', problem: problemOf(thrown) };
    }
  }

  async function loadMore() {
    const before = state.value;
    if (before.is !== 'ready' || before.next === null || before.more === 'loading') return;
    const mine = begin();
    state.value = { ...before, more: 'loading' };
    try {
      const page = await load(filter.value, before.next, mine.signal);
      if (mine !== asked) return;
      const known = new Set(items.value.map((item) => item.id));
      show([...items.value, ...page.items.filter((item) => !known.has(item.id))], page.next);
    } catch {
      if (mine === asked && state.value.is === 'ready') state.value = { ...state.value, more: 'failed' };
    }
  }

  function show(shown: WorkItem[], next: string | null) {
    state.value = { is: 'ready', items: shown, next, more: 'idle' };
    if (!shown.some((item) => item.id === current.value)) current.value = shown[0]?.id ?? null;
  }

  function move(by: 1 | -1) {
    const place = items.value.findIndex((item) => item.id === current.value);
    const target = items.value[Math.min(items.value.length - 1, Math.max(0, place + by))];
    if (target) current.value = target.id;
    if (by === 1 && place >= items.value.length - 5) void loadMore();
  }

  function replace(item: WorkItem) {
    const ready = state.value;
    if (ready.is !== 'ready') return;
    state.value = { ...ready, items: ready.items.map((each) => (each.id === item.id ? item : each)) };
  }

  /** Whoever works down the list finds the next item under the hand. */
  function remove(id: string) {
    const ready = state.value;
    if (ready.is !== 'ready') return;
    const place = ready.items.findIndex((item) => item.id === id);
    const rest = ready.items.filter((item) => item.id !== id);
    state.value = { ...ready, items: rest };
    if (current.value === id) current.value = (rest[place] ?? rest.at(-1))?.id ?? null;
  }

  watch(
    filter,
    () => {
      state.value = { is: 'loading' };
      void reload();
    },
    { immediate: true },
  );
  onScopeDispose(() => asked?.abort());
  return { state, items, current, reload, loadMore, move, replace, remove };
}
