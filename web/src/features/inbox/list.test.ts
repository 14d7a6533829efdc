import { flushPromises } from '@vue/test-utils';
import { effectScope, ref } from 'vue';
import { describe, expect, it, vi } from 'vitest';
import type { WorkItem } from '@/api/work-items';
import { filterOf, type Filter } from '@/shared/inbox-filter';
import { useInboxList, type LoadPage } from './list';

const items = (...ids: string[]) => ids.map((id) => ({ id }) as WorkItem);

function aList(load: LoadPage) {
  const filter = ref<Filter>(filterOf({}));
  const list = effectScope().run(() => useInboxList(filter, load))!;
  return { filter, list, ids: () => list.items.value.map((item) => item.id) };
}

describe('the list of the inbox', () => {
  it('goes on where the page before ended, without showing an item twice', async () => {
    const load = vi.fn<LoadPage>((_, cursor) =>
      Promise.resolve(cursor ? { items: items('b', 'c'), next: null } : { items: items('a', 'b'), next: '50.b' }),
    );
    const { list, ids } = aList(load);
    await flushPromises();

    await list.loadMore();
    await list.loadMore();

    expect(ids()).toEqual(['a', 'b', 'c']);
    expect(load.mock.calls.map((call) => call[1])).toEqual([null, '50.b']);
  });

  it('shows the answer to the filter that is set now, whichever comes last', async () => {
    let answerFirst = (_: { items: WorkItem[]; next: null }) => {};
    const load: LoadPage = (filter) =>
      filter.view === 'groups'
        ? new Promise((resolve) => (answerFirst = resolve))
        : Promise.resolve({ items: items('mine'), next: null });
    const { filter, list, ids } = aList(load);

    filter.value = filterOf({ view: 'mine' });
    await flushPromises();
    answerFirst({ items: items('old'), next: null });
    await flushPromises();

    expect(ids()).toEqual(['mine']);
    expect(list.state.value.is).toBe('ready');
  });

  it('keeps what is shown when a further page fails, and tries again', async () => {
    let fails = true;
    const load: LoadPage = (_, cursor) => {
      if (!cursor) return Promise.resolve({ items: items('a'), next: '50.a' });
      return fails ? Promise.reject(new Error('gone')) : Promise.resolve({ items: items('b'), next: null });
    };
    const { list, ids } = aList(load);
    await flushPromises();

    await list.loadMore();
    expect(list.state.value).toMatchObject({ is: 'ready', more: 'failed' });
    fails = false;
    await list.loadMore();

    expect(ids()).toEqual(['a', 'b']);
  });

  it('says what is wrong when the first page fails', async () => {
    const { list } = aList(() => Promise.reject(new Error('gone')));

    await flushPromises();

    expect(list.state.value.is).toBe('failed');
  });

  it('moves within its ends and stays under the hand when an item goes', async () => {
    const { list } = aList(() => Promise.resolve({ items: items('a', 'b', 'c'), next: null }));
    await flushPromises();

    list.move(-1);
    expect(list.current.value).toBe('a');
    list.move(1);
    list.remove('b');
    expect(list.current.value).toBe('c');
    list.remove('c');

    expect(list.current.value).toBe('a');
  });
});
