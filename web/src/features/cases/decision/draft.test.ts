import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDraft, SAVE_AFTER_MS, type DraftOptions } from './draft';
import { draftsAreSettled, forgetDraft, forgetDrafts } from './kept-drafts';

function aDraft(more: Partial<DraftOptions> = {}) {
  const save = vi.fn((_: Record<string, unknown>) => Promise.resolve());
  const channel = { postMessage: vi.fn(), close: vi.fn(), onmessage: null } as NonNullable<DraftOptions['channel']>;
  const draft = openDraft({ itemId: 'item', initial: {}, save, channel, clock: () => 7, ...more });
  const hear = (itemId: string, values: unknown) =>
    channel.onmessage?.call(channel as BroadcastChannel, { data: { itemId, values } } as MessageEvent);
  return { draft, save, channel, hear };
}

describe('a draft', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    forgetDrafts();
  });

  it('saves once when typing pauses', async () => {
    const { draft, save } = aDraft();

    draft.change({ opinion: '号' });
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS - 1);
    draft.change({ opinion: '号码' });
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS);

    expect(save.mock.calls).toEqual([[{ opinion: '号码' }]]);
    expect(draft.state.value).toEqual({ is: 'saved', at: 7 });
  });

  it('is still there after a save that failed and a trip to the sign-in page', async () => {
    const expired = new Error('auth.expired');
    const { draft } = aDraft({ save: () => Promise.reject(expired) });
    draft.change({ opinion: '照片模糊' });
    await draft.leave();

    const { draft: again, save } = aDraft();
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS);

    expect(again.values.value).toEqual({ opinion: '照片模糊' });
    expect(save).toHaveBeenCalledWith({ opinion: '照片模糊' });
  });

  it('lets a page that is opened again wait for the save of the one that was left', async () => {
    let saved = () => {};
    const { draft } = aDraft({ save: () => new Promise((resolve) => (saved = resolve)) });
    const settled = vi.fn();
    draft.change({ opinion: '写到一半' });

    void draft.leave();
    void draftsAreSettled().then(settled);
    await vi.advanceTimersByTimeAsync(0);
    expect(settled).not.toHaveBeenCalled();
    saved();
    await vi.advanceTimersByTimeAsync(0);

    expect(settled).toHaveBeenCalledOnce();
  });

  it('is not kept for another person', async () => {
    const { draft } = aDraft({ save: () => Promise.reject(new Error('auth.expired')) });
    draft.change({ opinion: '照片模糊' });
    await draft.leave();

    forgetDrafts();

    expect(aDraft().draft.values.value).toEqual({});
  });

  it('saves what is unsaved when the page is left', async () => {
    const { draft, save } = aDraft();

    draft.change({ opinion: '号码' });
    await draft.leave();

    expect(save).toHaveBeenCalledOnce();
  });

  it('never lets an older save come after a newer one', async () => {
    const answers: (() => void)[] = [];
    const save = vi.fn((_: Record<string, unknown>) => new Promise<void>((resolve) => answers.push(resolve)));
    const { draft } = aDraft({ save });

    draft.change({ opinion: '旧' });
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS);
    draft.change({ opinion: '新' });
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS);
    expect(save).toHaveBeenCalledOnce();
    answers[0]!();
    await vi.advanceTimersByTimeAsync(0);

    expect(save.mock.calls).toEqual([[{ opinion: '旧' }], [{ opinion: '新' }]]);
  });

  it('says that it was not saved and keeps what was typed', async () => {
    const { draft } = aDraft({ save: () => Promise.reject(new Error('offline')) });

    draft.change({ opinion: '号码' });
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS);

    expect(draft.state.value.is).toBe('not_saved');
    expect(draft.values.value).toEqual({ opinion: '号码' });
  });

  it('saves nothing while its decision waits, and is there again when that is taken back', async () => {
    const { draft, save } = aDraft();

    draft.change({ opinion: '号码' });
    draft.park();
    await vi.advanceTimersByTimeAsync(60_000);

    expect(save).not.toHaveBeenCalled();
    expect(aDraft().draft.values.value).toEqual({ opinion: '号码' });
  });

  it('is gone once its decision was sent', () => {
    const { draft } = aDraft();

    draft.change({ opinion: '号码' });
    draft.park();
    forgetDraft('item');

    expect(aDraft().draft.values.value).toEqual({});
  });

  it('tells other tabs, and hears of theirs without losing its own', async () => {
    const { draft, channel, hear, save } = aDraft();
    draft.change({ opinion: '我的' });
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS);
    expect(channel.postMessage).toHaveBeenCalledWith({ itemId: 'item', values: { opinion: '我的' } });

    hear('item', { opinion: '另一页的' });
    expect(draft.state.value).toEqual({ is: 'elsewhere', values: { opinion: '另一页的' } });
    expect(draft.values.value).toEqual({ opinion: '我的' });

    draft.keepMine();
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS);
    expect(save).toHaveBeenLastCalledWith({ opinion: '我的' });
  });

  it('takes over what the other tab wrote when asked to', () => {
    const { draft, hear } = aDraft();

    hear('item', { opinion: '另一页的' });
    draft.takeOver();

    expect(draft.values.value).toEqual({ opinion: '另一页的' });
  });

  it('knows better than an item that was asked for before the last save', async () => {
    let now = 1;
    const clock = () => now;
    const { draft } = aDraft({ clock });
    draft.change({ opinion: '号码' });
    now = 5;
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS);

    expect(aDraft({ clock, askedAt: 4 }).draft.values.value).toEqual({ opinion: '号码' });
    expect(aDraft({ clock, askedAt: 6, initial: { opinion: '别处改的' } }).draft.values.value).toEqual({ opinion: '别处改的' });
  });

  it('does not care about drafts of other items', () => {
    const { draft, hear } = aDraft();

    hear('another', { opinion: '另一件的' });

    expect(draft.state.value.is).toBe('untouched');
  });
});
