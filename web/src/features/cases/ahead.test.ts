import { describe, expect, it, vi } from 'vitest';
import type { Narrowing, WorkItem } from '@/api/work-items';
import { aheadDesk, type Prepared } from './ahead';

const ANY: Narrowing = { flow: null, element: null, facet: null, older_than_s: null, due: null };

function aQueue(...ids: string[]) {
  const queue = [...ids];
  const pick = vi.fn((_: Narrowing, except: readonly string[]) => {
    const id = queue.find((each) => !except.includes(each));
    if (id === undefined) return Promise.resolve(null);
    queue.splice(queue.indexOf(id), 1);
    return Promise.resolve({ item: { id, case_id: `case-${id}` } as WorkItem, isNew: true });
  });
  const closed: string[] = [];
  const prepare = vi.fn((itemId: string) =>
    Promise.resolve({ itemId, desk: {}, pictures: { of: vi.fn(), close: () => void closed.push(itemId) } } as unknown as Prepared),
  );
  const release = vi.fn((_: string) => Promise.resolve());
  return { desk: aheadDesk({ pick, prepare, release }), pick, prepare, release, closed };
}

describe('the case that is prepared ahead', () => {
  it('is claimed and loaded once, and opens as it was loaded', async () => {
    const { desk, pick, prepare } = aQueue('b', 'c');

    desk.begin(ANY, ['a']);
    desk.begin(ANY, ['a']);
    const id = await desk.next(ANY, ['a']);
    const prepared = await desk.take('b');

    expect(id).toBe('b');
    expect(prepared?.itemId).toBe('b');
    expect(pick).toHaveBeenCalledOnce();
    expect(prepare).toHaveBeenCalledOnce();
  });

  it('is handed out only once', async () => {
    const { desk } = aQueue('b');

    await desk.next(ANY, ['a']);
    await desk.take('b');

    expect(await desk.take('b')).toBeNull();
  });

  it('goes back to the inbox when nobody goes on', async () => {
    const { desk, release, closed } = aQueue('b');

    desk.begin(ANY, ['a']);
    await desk.giveUp();

    expect(release).toHaveBeenCalledWith('b');
    expect(closed).toEqual(['b']);
  });

  it('is another one when it was decided by hand meanwhile', async () => {
    const { desk } = aQueue('b', 'c');

    desk.begin(ANY, ['a']);

    expect(await desk.next(ANY, ['a', 'b'])).toBe('c');
  });

  it('is asked for again after there was none', async () => {
    const { desk, pick } = aQueue();

    expect(await desk.next(ANY, ['a'])).toBeNull();
    await Promise.resolve();
    expect(await desk.next(ANY, ['a'])).toBeNull();

    expect(pick).toHaveBeenCalledTimes(2);
  });

  it('is not one that was left for later, until the inbox is seen again', async () => {
    const { desk, pick } = aQueue('b', 'c', 'd');

    desk.pass('b');
    await desk.next(ANY, ['a']);
    expect(pick).toHaveBeenLastCalledWith(ANY, ['a', 'b']);
    await desk.giveUp();
    await desk.next(ANY, ['a']);

    expect(pick).toHaveBeenLastCalledWith(ANY, ['a']);
  });

  it('is no case of another filter', async () => {
    const { desk, release } = aQueue('b', 'c');

    desk.begin(ANY, ['a']);
    const id = await desk.next({ ...ANY, facet: 'passport' }, ['a']);

    expect(id).toBe('c');
    await vi.waitFor(() => expect(release).toHaveBeenCalledWith('b'));
  });
});
