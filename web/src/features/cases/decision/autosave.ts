/** Saves soon after the last change, and one after the other: while the connection is lost saves wait, and an older one must not come last. */

export interface Autosave {
  /** A moment from now, and not before that for whoever goes on typing. */
  later: () => void;
  now: () => Promise<void>;
  cancel: () => void;
}

/** isDue: whether there is anything to save by the time a save could begin. */
export function autosave(save: () => Promise<void>, isDue: () => boolean, afterMs: number): Autosave {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let underWay: Promise<void> | null = null;

  async function now(): Promise<void> {
    cancel();
    while (underWay) await underWay;
    if (!isDue()) return;
    underWay = save().finally(() => (underWay = null));
    await underWay;
  }

  function later() {
    cancel();
    timer = setTimeout(() => void now(), afterMs);
  }

  function cancel() {
    clearTimeout(timer);
  }

  return { later, now, cancel };
}
