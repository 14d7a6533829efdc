import { answer, client } from '@/api/client';
import { problemOf, Refusal } from '@/api/problem';
import { currentSession, me, signedInAs, signedOut, type Me } from '@/api/session';

/** Who signed in last on this page, so that only the password is asked for when the session has expired. */
export let lastUsername = '';

let asking: Promise<Me | null> | null = null;

/** The account signed in, asked from the server once per page load; null when nobody is. */
export function whoAmI(): Promise<Me | null> {
  if (currentSession.value.is !== 'unknown') return Promise.resolve(me.value);
  asking ??= ask().finally(() => (asking = null));
  return asking;
}

/** Sign in with a password. Throws Refusal: sign_in.failed, sign_in.locked, connection.lost. */
export async function signIn(username: string, password: string): Promise<Me> {
  const account = await answer(client.POST('/api/v1/session/password', { body: { username, password } }));
  lastUsername = username;
  signedInAs(account);
  return account;
}

/** Sign out here and on the server; a session that is gone already counts as signed out. Throws Refusal otherwise. */
export async function signOut(): Promise<void> {
  const { error, response } = await client.DELETE('/api/v1/session');
  if (!response.ok && response.status !== 401) throw new Refusal(problemOf(error, response.status));
  lastUsername = '';
  signedOut();
}

async function ask(): Promise<Me | null> {
  try {
    signedInAs(await answer(client.GET('/api/v1/me')));
  } catch (thrown) {
    if (problemOf(thrown).status !== 401) throw thrown;
    signedOut();
  }
  return me.value;
}
