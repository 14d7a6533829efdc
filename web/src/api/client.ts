import createClient from 'openapi-fetch';
import type { components, paths } from '@/api/schema';
import { send } from '@/api/send';

export type Schemas = components['schemas'];
export { answer } from '@/api/send';
export { problemOf, type Problem } from '@/api/problem';

/** The HTTP API, typed by the server's own OpenAPI document. `await answer(client.GET('/api/v1/inbox', { … }))`. */
export const client = createClient<paths>({ baseUrl: window.location.origin, fetch: send });

/** One value for one intention of a person; keep it when the same intention is sent again. */
export function newKey(): string {
  return crypto.randomUUID();
}
