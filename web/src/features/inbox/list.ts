/** The list of the inbox: one view, one filter, as many pages as somebody scrolls to. */

import { computed, ref, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import { answer, client } from '@/api/client';
import type { Narrowing, WorkItem } from '@/api/work-items';
import { narrowingOf, type Filter } from '@/shared/inbox-filter';
import { itemsOf, usePages, type PagedList, type Pages } from '@/shared/loading/pages';

export const PAGE = 50;

type Narrowed = { [name in keyof Narrowing]: NonNullable<Narrowing[name]> };

export type Inbox = Pages<WorkItem>;

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
  const pages: PagedList<WorkItem> = usePages(unseen, filter);
  const { state, reload } = pages;
  const items = computed(() => itemsOf(state.value));
  const current = useCurrent(state);

  /** An item may come again on the next page when others came in before it. */
  async function unseen(cursor: string | null, signal: AbortSignal) {
    const page = await load(filter.value, cursor, signal);
    if (cursor === null) return page;
    const known = new Set(items.value.map((item) => item.id));
    return { ...page, items: page.items.filter((item) => !known.has(item.id)) };
  }

  function move(by: 1 | -1) {
    const place = items.value.findIndex((item) => item.id === current.value);
    const target = items.value[Math.min(items.value.length - 1, Math.max(0, place + by))];
    if (target) current.value = target.id;
    if (by === 1 && place >= items.value.length - 5) void pages.loadMore();
  }

  function replace(item: WorkItem) {
    show(items.value.map((each) => (each.id === item.id ? item : each)));
  }

  /** Whoever works down the list finds the next item under the hand. */
  function remove(id: string) {
    const place = items.value.findIndex((item) => item.id === id);
    const rest = items.value.filter((item) => item.id !== id);
    if (state.value.is === 'ready' && current.value === id) current.value = (rest[place] ?? rest.at(-1))?.id ?? null;
    show(rest);
  }

  function show(changed: WorkItem[]) {
    if (state.value.is === 'ready') state.value = { ...state.value, items: changed };
  }

  return { state, items, current, reload, loadMore: pages.loadMore, move, replace, remove };
}

/** An item that the list no longer has gives way to its first. */
function useCurrent(state: ShallowRef<Inbox>): Ref<string | null> {
  const current = ref<string | null>(null);
  watch(
    state,
    (now) => {
      if (now.is === 'ready' && !now.items.some((item) => item.id === current.value)) current.value = now.items[0]?.id ?? null;
    },
    { flush: 'sync' },
  );
  return current;
}
