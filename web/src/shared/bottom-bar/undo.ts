/** Acts that wait a few seconds before they are sent, so that a slip of the hand can be taken back. */

import { readonly, ref, type Ref } from 'vue';

const UNDO_MS = 5000;

export interface Act {
  /** What it is about, once: a second act of the same key takes the place of the first. */
  key: string;
  /** What the bar says while it waits: 已通过 张三 */
  label: string;
  send: () => Promise<void>;
  /** Called when it is taken back. */
  undone: () => void;
  /** Called when sending failed; whatever was typed is still in the draft. */
  failed: (error: unknown) => void;
}

export type Waiting = { act: Act; sentAt: number; is: 'waiting' | 'sending' };

export interface UndoQueue {
  waiting: Readonly<Ref<readonly Waiting[]>>;
  add: (act: Act) => void;
  /** Takes back the newest act that has not been sent; false when there is none. */
  undo: (key?: string) => boolean;
  /** Sends everything that waits, now: before signing out, or when the page goes away. */
  flush: () => Promise<void>;
}

export function undoQueue(waitMs = UNDO_MS, clock: () => number = Date.now): UndoQueue {
  const waiting = ref<Waiting[]>([]) as Ref<Waiting[]>;
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const underWay = new Set<Promise<void>>();

  function drop(key: string) {
    clearTimeout(timers.get(key));
    timers.delete(key);
    waiting.value = waiting.value.filter((each) => each.act.key !== key);
  }

  function send(key: string): Promise<void> {
    const entry = waiting.value.find((each) => each.act.key === key && each.is === 'waiting');
    if (!entry) return Promise.resolve();
    clearTimeout(timers.get(key));
    waiting.value = waiting.value.map((each) => (each === entry ? { ...each, is: 'sending' } : each));
    const sent = entry.act
      .send()
      .catch(entry.act.failed)
      .finally(() => {
        underWay.delete(sent);
        drop(key);
      });
    underWay.add(sent);
    return sent;
  }

  function add(act: Act) {
    if (waiting.value.some((each) => each.act.key === act.key)) return; // a double click decides once
    waiting.value = [...waiting.value, { act, sentAt: clock() + waitMs, is: 'waiting' }];
    timers.set(
      act.key,
      setTimeout(() => void send(act.key), waitMs),
    );
  }

  function undo(key?: string): boolean {
    const entry = waiting.value.findLast((each) => each.is === 'waiting' && (key === undefined || each.act.key === key));
    if (!entry) return false;
    drop(entry.act.key);
    entry.act.undone();
    return true;
  }

  async function flush() {
    waiting.value.filter((each) => each.is === 'waiting').forEach((each) => void send(each.act.key));
    await Promise.allSettled([...underWay]);
  }

  return { waiting: readonly(waiting) as Readonly<Ref<readonly Waiting[]>>, add, undo, flush };
}

/** The one queue of the page: a decision waits on while the next case is already open. */
export const decisions = undoQueue();
window.addEventListener('pagehide', () => void decisions.flush());
