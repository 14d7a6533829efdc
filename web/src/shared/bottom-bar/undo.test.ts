import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { undoQueue, type Act } from './undo';

function anAct(key: string, more: Partial<Act> = {}) {
  return { key, label: key, send: vi.fn(() => Promise.resolve()), undone: vi.fn(), failed: vi.fn(), ...more };
}

describe('the undo queue', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('sends an act after five seconds and not before', async () => {
    const queue = undoQueue();
    const act = anAct('a');

    queue.add(act);
    await vi.advanceTimersByTimeAsync(4999);
    expect(act.send).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);

    expect(act.send).toHaveBeenCalledOnce();
    expect(queue.waiting.value).toEqual([]);
  });

  it('never sends what was taken back', async () => {
    const queue = undoQueue();
    const act = anAct('a');

    queue.add(act);
    expect(queue.undo()).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);

    expect(act.send).not.toHaveBeenCalled();
    expect(act.undone).toHaveBeenCalledOnce();
    expect(queue.undo()).toBe(false);
  });

  it('takes back the newest first', () => {
    const queue = undoQueue();
    const [first, second] = [anAct('a'), anAct('b')];

    queue.add(first);
    queue.add(second);
    queue.undo();

    expect(second.undone).toHaveBeenCalledOnce();
    expect(first.undone).not.toHaveBeenCalled();
  });

  it('decides once on a double click', async () => {
    const queue = undoQueue();
    const [first, again] = [anAct('a'), anAct('a')];

    queue.add(first);
    queue.add(again);
    await vi.advanceTimersByTimeAsync(5000);

    expect(first.send).toHaveBeenCalledOnce();
    expect(again.send).not.toHaveBeenCalled();
  });

  it('does not take back what is being sent', async () => {
    const queue = undoQueue();
    let done = () => {};
    const act = anAct('a', { send: vi.fn(() => new Promise<void>((resolve) => (done = resolve))) });

    queue.add(act);
    await vi.advanceTimersByTimeAsync(5000);
    expect(queue.waiting.value[0]?.is).toBe('sending');
    expect(queue.undo()).toBe(false);
    done();
    await vi.advanceTimersByTimeAsync(0);

    expect(queue.waiting.value).toEqual([]);
  });

  it('sends everything at once when the page goes away', async () => {
    const queue = undoQueue();
    const acts = [anAct('a'), anAct('b')];

    acts.forEach(queue.add);
    await queue.flush();
    await vi.advanceTimersByTimeAsync(60_000);

    acts.forEach((act) => expect(act.send).toHaveBeenCalledOnce());
  });

  it('tells of a refusal and goes on', async () => {
    const queue = undoQueue();
    const refusal = new Error('work_item.gone');
    const [bad, good] = [anAct('a', { send: () => Promise.reject(refusal) }), anAct('b')];

    queue.add(bad);
    queue.add(good);
    await vi.advanceTimersByTimeAsync(5000);

    expect(bad.failed).toHaveBeenCalledWith(refusal);
    expect(good.send).toHaveBeenCalledOnce();
    expect(queue.waiting.value).toEqual([]);
  });
});
