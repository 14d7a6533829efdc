import { connectionIsBack } from '@/api/connection';
import { CONNECTION_LOST, Refusal, problemOf } from '@/api/problem';
import { sessionIsRenewed } from '@/api/session';

const PATIENCE_MS = 30_000;
const NO_RENEWAL = ['/api/v1/session'];

/**
 * The only place that calls `fetch`. Adds the console's header. A request that got no answer waits for the connection and is sent
 * again when that cannot do it twice (reading, replacing, or with an Idempotency-Key); one that met an expired session waits for
 * the person to sign in again. Throws Refusal `connection.lost` for what may not be repeated, and AbortError when aborted.
 */
export async function send(request: Request): Promise<Response> {
  request.headers.set('X-Requested-With', 'console');
  for (;;) {
    const answer = await attempt(request.clone());
    if (answer === 'no answer') {
      if (!isRepeatable(request)) throw new Refusal(CONNECTION_LOST);
      await connectionIsBack(isReachable);
      request.signal.throwIfAborted();
    } else if (answer.status === 401 && asksForRenewal(request) && (await sessionIsRenewed())) {
      request.signal.throwIfAborted();
    } else {
      return answer;
    }
  }
}

async function attempt(request: Request): Promise<Response | 'no answer'> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    const answer = await fetch(request, { signal: AbortSignal.any([request.signal, patience]) });
    return isFromProxy(answer) ? 'no answer' : answer;
  } catch (error) {
    if (request.signal.aborted) throw error;
    return 'no answer'; // a TypeError of the network, or our patience ended
  }
}

/** 502 and 504 come from what stands before the server; so does a 503 that is no problem of ours. */
function isFromProxy(answer: Response): boolean {
  const isOurs = answer.headers.get('Content-Type')?.includes('json') ?? false;
  return [502, 503, 504].includes(answer.status) && !isOurs;
}

function isRepeatable(request: Request): boolean {
  return ['GET', 'HEAD', 'PUT', 'DELETE'].includes(request.method) || request.headers.has('Idempotency-Key');
}

function asksForRenewal(request: Request): boolean {
  const path = new URL(request.url).pathname;
  return !NO_RENEWAL.some((prefix) => path.startsWith(prefix));
}

/** Whether the server answers at all. */
export async function isReachable(): Promise<boolean> {
  try {
    const answer = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(5_000) });
    return answer.ok;
  } catch {
    return false;
  }
}

/** The body of an answer, or its problem thrown as Refusal. */
export async function answer<T>(
  sent: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await sent;
  if (!response.ok) throw new Refusal(problemOf(error, response.status));
  return data as T;
}
