import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isConnectionLost } from '@/api/connection';
import { Refusal } from '@/api/problem';
import { answer, send } from '@/api/send';
import { currentSession, signedInAs, signedOut, type Me } from '@/api/session';

const ME: Me = { account_id: '1', kind: 'CONSOLE', display_name: '审核员', groups: ['a'], may: ['inbox'], sandbox: true };
const HERE = 'http://localhost';

/** Answers in order; a string is a network failure. Records what was asked. */
function server(...answers: (Response | 'unreachable')[]): Request[] {
  const asked: Request[] = [];
  vi.stubGlobal('fetch', (target: Request | string) => {
    const request = target instanceof Request ? target : new Request(HERE + target);
    asked.push(request);
    const next = answers.shift();
    return next instanceof Response ? Promise.resolve(next) : Promise.reject(new TypeError('Failed to fetch'));
  });
  return asked;
}

const ok = (body: unknown = {}) => Response.json(body);
const refused = (status: number, code: string) =>
  new Response(JSON.stringify({ code, title: '标题', detail: '怎么办', status, instance: 'urn:request:r-1' }), {
    status,
    headers: { 'Content-Type': 'application/problem+json' },
  });
const post = (key?: string) =>
  new Request(`${HERE}/api/v1/work-items/1/complete`, {
    method: 'POST',
    body: '{"values":{"opinion":"清楚"}}',
    headers: key ? { 'Idempotency-Key': key } : {},
  });

beforeEach(() => vi.useFakeTimers());

afterEach(() => {
  signedOut();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('send', () => {
  it('names the console on every request', async () => {
    const asked = server(ok());

    await send(new Request(`${HERE}/api/v1/inbox`));

    expect(asked[0]?.headers.get('X-Requested-With')).toBe('console');
  });

  it('sends a decision again with the same key and body when the connection is back', async () => {
    const asked = server('unreachable', 'unreachable', ok(), ok({ state: 'COMPLETED' }));

    const sent = send(post('key-1'));
    await vi.advanceTimersByTimeAsync(100);
    expect(isConnectionLost.value).toBe(true);
    await vi.advanceTimersByTimeAsync(10_000);

    expect(await (await sent).json()).toEqual({ state: 'COMPLETED' });
    expect(isConnectionLost.value).toBe(false);
    expect(asked.map((one) => new URL(one.url).pathname)).toEqual([
      '/api/v1/work-items/1/complete',
      '/healthz',
      '/healthz',
      '/api/v1/work-items/1/complete',
    ]);
    expect(asked[3]?.headers.get('Idempotency-Key')).toBe('key-1');
    expect(await asked[3]?.text()).toBe('{"values":{"opinion":"清楚"}}');
  });

  it('never repeats by itself what could happen twice', async () => {
    const asked = server('unreachable');

    const failure = await send(post()).catch((thrown: unknown) => thrown);

    expect(failure).toBeInstanceOf(Refusal);
    expect((failure as Refusal).problem.code).toBe('connection.lost');
    expect(asked).toHaveLength(1);
  });

  it('takes the page of a proxy for a lost connection', async () => {
    const asked = server(new Response('<h1>Bad Gateway</h1>', { status: 502 }), ok(), ok({ items: [] }));

    const sent = send(new Request(`${HERE}/api/v1/inbox`));
    await vi.advanceTimersByTimeAsync(2_000);

    expect((await sent).status).toBe(200);
    expect(asked).toHaveLength(3);
  });

  it('waits while somebody signs in again, and goes on with what was being sent', async () => {
    signedInAs(ME);
    const asked = server(refused(401, 'auth.expired'), ok({ state: 'COMPLETED' }));

    const sent = send(post('key-2'));
    await vi.advanceTimersByTimeAsync(0);
    expect(currentSession.value.is).toBe('expired');
    signedInAs(ME);

    expect((await sent).status).toBe(200);
    expect(await asked[1]?.text()).toBe('{"values":{"opinion":"清楚"}}');
  });

  it('gives up when they leave instead', async () => {
    signedInAs(ME);
    server(refused(401, 'auth.expired'));

    const sent = send(post('key-3'));
    await vi.advanceTimersByTimeAsync(0);
    signedOut();

    expect((await sent).status).toBe(401);
  });

  it('asks nobody to sign in again who never was signed in', async () => {
    server(refused(401, 'auth.required'));

    expect((await send(new Request(`${HERE}/api/v1/me`))).status).toBe(401);
  });
});

describe('answer', () => {
  it('throws the problem of a refusal with what to do and the number to quote', async () => {
    const response = refused(409, 'work_item.claimed_by_other');

    const failure = await answer(Promise.resolve({ error: await response.clone().json(), response })).catch(
      (thrown: unknown) => thrown,
    );

    expect((failure as Refusal).problem).toEqual({
      status: 409,
      code: 'work_item.claimed_by_other',
      title: '标题',
      detail: '怎么办',
      requestId: 'r-1',
      fields: [],
    });
  });
});
