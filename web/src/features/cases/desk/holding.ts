/** Taking the item of the page and putting it back. */

import { ref, type Ref } from 'vue';
import { problemOf } from '@/api/client';
import { claimWorkItem, releaseWorkItem } from '@/api/work-items';
import { say, sayProblem } from '@/shared/bottom-bar/notices';

export interface Holding {
  isBusy: Readonly<Ref<boolean>>;
  claim: () => Promise<void>;
  release: () => Promise<void>;
}

/** changed: the page is told anew who holds it. left: the item is back in the inbox. */
export function useHolding(id: () => string | undefined, changed: () => void, left: () => unknown): Holding {
  const isBusy = ref(false);

  async function once(work: (id: string) => Promise<void>) {
    const item = id();
    if (!item || isBusy.value) return;
    isBusy.value = true;
    try {
      await work(item);
    } finally {
      isBusy.value = false;
    }
  }

  /** Who comes second is told who was first, on the page itself. */
  async function take(item: string) {
    try {
      await claimWorkItem(item);
    } catch (thrown) {
      const { code, detail } = problemOf(thrown);
      if (code === 'work_item.claimed_by_other') say(detail);
      else sayProblem(thrown);
    }
    changed();
  }

  async function putBack(item: string) {
    try {
      await releaseWorkItem(item);
      await left();
    } catch (thrown) {
      sayProblem(thrown);
      changed();
    }
  }

  return { isBusy, claim: () => once(take), release: () => once(putBack) };
}
