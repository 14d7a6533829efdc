/** Files for a work item's form. */

import { answer, client, newKey } from '@/api/client';
import type { StoredFile } from './fields/props';

/** Throws Refusal with what is wrong with the file. */
export async function uploadFile(workItemId: string, field: string, file: File): Promise<StoredFile> {
  const sent = new FormData();
  sent.append('work_item', workItemId);
  sent.append('field', field);
  sent.append('file', file, file.name);
  const stored = await answer(
    client.POST('/api/v1/attachments', {
      params: { header: { 'Idempotency-Key': newKey() } },
      body: { work_item: workItemId, field, file: '' },
      bodySerializer: () => sent,
    }),
  );
  return { id: stored.id, url: stored.url };
}
