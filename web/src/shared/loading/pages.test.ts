import { describe, expect, it } from 'vitest';
import { effectScope, nextTick, ref } from 'vue';
import { usePages, type LoadPage } from '@/shared/loading/pages';

const settled = () => new Promise((resolve) => setTimeout(resolve));

function list(load: LoadPage<number>, on = ref('')) {
  const scope = effectScope();
  const pages = scope.run(() => usePages(load, on));
  if (!pages) throw new Error('a scope that is active runs what it is given');
  return { ...pages, scope };
}

/** Numbers 1 to 5, two a page; the cursor is the last number seen. */
const twoAPage: LoadPage<number> = (cursor) => {
  const from = Number(cursor ?? 0);
  const items = [from + 1, from + 2].filter((n) => n <= 5);
  return Promise.resolve({ items, next: from + 2 < 5 ? String(from + 2) : null });
};

describe('usePages', () => {
  it('reads on until the end and not beyond', async () => {
    const { state, loadMore } = list(twoAPage);
    await settled();

    await loadMore();
    await loadMore();
    await loadMore();

    expect(state.value).toEqual({ is: 'ready', items: [1, 2, 3, 4, 5], next: null, more: 'idle' });
  });

  it('keeps what it has when the next page fails, and reads on later', async () => {
    let fails = true;
    const { state, loadMore } = list((cursor, signal) => (cursor && fails ? Promise.reject(new Error()) : twoAPage(cursor, signal)));
    await settled();

    await loadMore();
    expect(state.value).toEqual({ is: 'ready', items: [1, 2], next: '2', more: 'failed' });
    fails = false;
    await loadMore();

    expect(state.value).toMatchObject({ items: [1, 2, 3, 4], more: 'idle' });
  });

  it('begins anew for another question and forgets the answer to the old one', async () => {
    const asked = ref('旧');
    const answers: Record<string, (page: { items: number[]; next: null }) => void> = {};
    const { state } = list(() => new Promise((resolve) => (answers[asked.value] = resolve)), asked);

    asked.value = '新';
    await nextTick();
    answers['新']?.({ items: [2], next: null });
    answers['旧']?.({ items: [1], next: null });
    await settled();

    expect(state.value).toMatchObject({ is: 'ready', items: [2] });
  });
});
