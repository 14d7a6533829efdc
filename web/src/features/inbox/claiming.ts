/** Taking items and putting them back: one at a time, several at once, or the next one that fits. */

import { ref, type Ref } from 'vue';
import { answer, client, newKey, problemOf } from '@/api/client';
import { claimNext, claimWorkItem, releaseWorkItem, type Narrowing, type WorkItem } from '@/api/work-items';
import { inbox as words } from '@/i18n/zh-CN/inbox';
import { say, sayProblem } from '@/shared/bottom-bar/notices';

export interface Claiming {
  /** Ids under way: their buttons are off, so that a double click does nothing twice. */
  busy: Readonly<Ref<ReadonlySet<string>>>;
  claim: (id: string) => Promise<WorkItem | null>;
  release: (id: string) => Promise<WorkItem | null>;
  claimSeveral: (ids: string[]) => Promise<boolean>;
  next: (narrowing: Narrowing) => Promise<WorkItem | null>;
}

const NEXT = 'next';
const SEVERAL = 'several';

export function useClaiming(): Claiming {
  const busy = ref(new Set<string>());

  /** null when the same is under way already, or was refused; a refusal is said. */
  async function once<T>(key: string, work: () => Promise<T>): Promise<T | null> {
    if (busy.value.has(key)) return null;
    busy.value = new Set([...busy.value, key]);
    try {
      return await work();
    } catch (thrown) {
      if (problemOf(thrown).code === 'work_item.claimed_by_other') say(problemOf(thrown).detail);
      else sayProblem(thrown);
      return null;
    } finally {
      busy.value = new Set([...busy.value].filter((each) => each !== key));
    }
  }

  return {
    busy,
    claim: (id) => once(id, () => claimWorkItem(id)),
    release: (id) => once(id, () => releaseWorkItem(id)),
    claimSeveral: async (ids) => (ids.length ? ((await once(SEVERAL, () => several(ids))) ?? false) : false),
    next: (narrowing) => once(NEXT, () => nextThatFits(narrowing)),
  };
}

/** Says how many were claimed, and who holds the others; whether any was. */
async function several(ids: string[]): Promise<boolean> {
  const asked = { params: { header: { 'Idempotency-Key': newKey() } }, body: { ids } };
  const { items } = await answer(client.POST('/api/v1/inbox/claim', asked));
  const refused = items.filter((item) => !item.claimed);
  const holders = [...new Set(refused.map((item) => item.held_by).filter(Boolean))].join('、');
  const taken = items.length - refused.length;
  if (taken) say(words.claimed(taken), 'good');
  if (refused.length) say(words.notClaimed(refused.length, holders && words.heldBy(holders)), 'bad');
  return taken > 0;
}

async function nextThatFits(narrowing: Narrowing): Promise<WorkItem | null> {
  const { item } = await claimNext(narrowing);
  if (!item) say(words.none);
  return item;
}
