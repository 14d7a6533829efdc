/** What people do with work items. Every function throws Refusal. */

import { answer, client, newKey, type Schemas } from '@/api/client';

export type WorkItem = Schemas['WorkItemOut'];
export type WorkItemForm = Schemas['WorkItemForm'];
export type NextClaimed = Schemas['NextClaimed'];
export type Narrowing = Schemas['InboxNarrowing']; // null: not narrowed
export type Image = NextClaimed['images'][number];

export function showWorkItem(id: string, signal?: AbortSignal): Promise<WorkItemForm> {
  return answer(
    client.GET('/api/v1/work-items/{work_item_id}', { params: { path: { work_item_id: id } }, ...(signal && { signal }) }),
  );
}

export function claimWorkItem(id: string): Promise<WorkItem> {
  return answer(client.POST('/api/v1/work-items/{work_item_id}/claim', once(id)));
}

export function releaseWorkItem(id: string): Promise<WorkItem> {
  return answer(client.POST('/api/v1/work-items/{work_item_id}/release', once(id)));
}

/** key: the Idempotency-Key of this intention. Outlives the page: a decision is not lost with its tab. */
export async function completeWorkItem(id: string, values: Record<string, unknown>, key: string): Promise<void> {
  const params = { path: { work_item_id: id }, header: { 'Idempotency-Key': key } };
  await answer(
    client.POST('/api/v1/work-items/{work_item_id}/complete', { params, body: { values }, keepalive: true }),
  );
}

/** Outlives the page as well: what was typed last is not lost with its tab. */
export async function saveDraft(id: string, values: Record<string, unknown>): Promise<void> {
  const params = { path: { work_item_id: id } };
  await answer(client.PUT('/api/v1/work-items/{work_item_id}/draft', { params, body: { values }, keepalive: true }));
}

/** The oldest item that fits and is nobody's, claimed; item null when there is none. */
export function claimNext(narrowing: Narrowing): Promise<NextClaimed> {
  return answer(
    client.POST('/api/v1/inbox/claim-next', {
      params: { header: { 'Idempotency-Key': newKey() } },
      body: narrowing,
    }),
  );
}

function once(id: string) {
  return { params: { path: { work_item_id: id }, header: { 'Idempotency-Key': newKey() } } };
}
