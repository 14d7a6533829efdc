import { computed, readonly, ref } from 'vue';
import type { components } from '@/api/schema';

export type Me = components['schemas']['Me'];

/** Who sits here. `expired` keeps the account: the page stays as it is until the same person signs in again. */
export type Session =
  | { is: 'unknown' }
  | { is: 'signed-out' }
  | { is: 'signed-in'; me: Me }
  | { is: 'expired'; me: Me };

const session = ref<Session>({ is: 'unknown' });
let renewal: { promise: Promise<boolean>; settle: (renewed: boolean) => void } | null = null;

export const currentSession = readonly(session);
export const me = computed<Me | null>(() =>
  session.value.is === 'signed-in' || session.value.is === 'expired' ? session.value.me : null,
);

export function signedInAs(account: Me): void {
  const isSame = me.value?.account_id === account.account_id;
  session.value = { is: 'signed-in', me: account };
  renewal?.settle(isSame); // what one person was sending is not sent in the name of another
  renewal = null;
}

export function signedOut(): void {
  session.value = { is: 'signed-out' };
  renewal?.settle(false);
  renewal = null;
}

/**
 * A request was refused because nobody is signed in any more. Resolves to true when the same person has signed in
 * again (send the request once more), false when they left. Resolves to false at once when nobody was signed in.
 */
export function sessionIsRenewed(): Promise<boolean> {
  const before = session.value;
  if (before.is !== 'signed-in' && before.is !== 'expired') return Promise.resolve(false);
  session.value = { is: 'expired', me: before.me };
  if (!renewal) {
    let settle: (renewed: boolean) => void = () => undefined;
    const promise = new Promise<boolean>((resolve) => (settle = resolve));
    renewal = { promise, settle };
  }
  return renewal.promise;
}
