/** The numbers at the tabs, kept fresh. The browser sends the ETag of what it has: an unchanged inbox costs a 304. */

import { onScopeDispose, readonly, ref, type Ref } from 'vue';
import { answer, client, type Schemas } from '@/api/client';
import { isConnectionLost } from '@/api/connection';

export type Counts = Schemas['InboxCountsOut'];

export const EVERY_MS = 10_000;

const load = () => answer(client.GET('/api/v1/inbox/counts'));

export interface FreshCounts {
  counts: Readonly<Ref<Counts | null>>;
  refresh: () => Promise<void>;
}

/** changed: called when the numbers are other than they were. Nothing is asked while nobody looks at the page. */
export function useCounts(changed: () => void, ask: () => Promise<Counts> = load): FreshCounts {
  const counts = ref<Counts | null>(null);

  async function refresh() {
    if (document.hidden || isConnectionLost.value) return;
    try {
      const fresh = await ask();
      const isOther = counts.value !== null && JSON.stringify(fresh) !== JSON.stringify(counts.value);
      counts.value = fresh;
      if (isOther) changed();
    } catch {
      // Old numbers are better than a message every ten seconds; the list itself says what is wrong.
    }
  }

  const timer = setInterval(() => void refresh(), EVERY_MS);
  const looked = () => void refresh();
  document.addEventListener('visibilitychange', looked);
  onScopeDispose(() => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', looked);
  });
  void refresh();
  return { counts: readonly(counts), refresh };
}
