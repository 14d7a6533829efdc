/** Everything the case page shows, as the server tells it, and what of it the parts of the page draw. */

import { answer, client, type Schemas } from '@/api/client';
import { showWorkItem, type WorkItemForm } from '@/api/work-items';

export type CaseFile = Schemas['CaseOut'];
export type Readings = Schemas['CaseReadings'];
export type Reading = Readings['readings'][number];
export type Page = Reading['pages'][number];
export type ReadField = Page['fields'][number];
export type Row = Reading['rows'][number];
export type Face = Readings['faces'][number];
export type Image = NonNullable<Page['original']>;

/** item: the work item the page is about; null for a case that has none for this reader. askedAt: when loading began. */
export interface Desk {
  askedAt: number;
  item: WorkItemForm | null;
  file: CaseFile;
  readings: Readings;
}

export type DeskAddress = { workItemId: string; caseId?: string } | { caseId: string };

export async function loadDesk(address: DeskAddress, signal?: AbortSignal): Promise<Desk> {
  const askedAt = Date.now();
  return { askedAt, ...(await loadParts(address, signal)) };
}

async function loadParts(address: DeskAddress, signal?: AbortSignal): Promise<Omit<Desk, 'askedAt'>> {
  if (!('workItemId' in address)) return loadByCase(address.caseId, signal);
  if (address.caseId) {
    const [item, rest] = await Promise.all([showWorkItem(address.workItemId, signal), loadCase(address.caseId, signal)]);
    return { item, ...rest };
  }
  const item = await showWorkItem(address.workItemId, signal);
  return { item, ...(await loadCase(item.case_id, signal)) };
}

async function loadByCase(caseId: string, signal?: AbortSignal): Promise<Omit<Desk, 'askedAt'>> {
  const rest = await loadCase(caseId, signal);
  const open = rest.file.waits.filter((wait) => wait.kind === 'WORK_ITEM' && wait.closed_at === null && wait.group !== null);
  return { item: open[0] ? await showWorkItem(open[0].id, signal) : null, ...rest };
}

async function loadCase(caseId: string, signal?: AbortSignal): Promise<Omit<Desk, 'item' | 'askedAt'>> {
  const asked = { params: { path: { case_id: caseId } }, ...(signal && { signal }) };
  const [file, readings] = await Promise.all([
    answer(client.GET('/api/v1/cases/{case_id}', asked)),
    answer(client.GET('/api/v1/cases/{case_id}/readings', asked)),
  ]);
  return { file, readings };
}

/** Every picture of the desk, once, in the order somebody looks at them: the last reading's rectified cards first. */
export function imagesOf(desk: Desk): Image[] {
  const readings = [...desk.readings.readings].reverse();
  const found = readings.flatMap((reading) => [
    ...reading.pages.map((page) => page.rectified),
    ...reading.pages.map((page) => page.original),
  ]);
  const faces = [...desk.readings.faces].reverse().flatMap((face) => [face.portrait, face.selfie]);
  const all = [...found, ...faces, ...(desk.item?.images ?? [])].filter((image) => image !== null);
  return [...new Map(all.map((image) => [image.id, image])).values()];
}

/** One attempt as the canvas draws it. */
export interface Attempt {
  label: string;
  pages: Page[];
}

/** The latest attempt first. Where nothing was ever read, the photographs themselves. */
export function attemptsOf(desk: Desk, labels: { attempt: (n: number) => string; photo: string }): Attempt[] {
  const attempts = desk.readings.readings.map((reading) => ({ label: labels.attempt(reading.number), pages: reading.pages }));
  if (attempts.length) return attempts.reverse();
  const photos = (desk.item?.images ?? []).filter((image) => image.kind !== 'face-capture');
  return photos.length ? [{ label: '', pages: photos.map((image) => unread(image, labels.photo)) }] : [];
}

function unread(original: Image, label: string): Page {
  return { kind: 'unknown', label, original, rectified: null, fields: [], warnings: [], sharpness: null };
}

const CHINESE_SENTENCE = /[㐀-鿿].*[㐀-鿿].*[㐀-鿿].*[㐀-鿿]/u;

/** Sentences among what the form shows read-only that stand nowhere else on the page: why a person has to look at it. */
export function remarksOf(desk: Desk): string[] {
  const last = desk.readings.readings.at(-1);
  const said = new Set<unknown>([
    ...(last?.rows ?? []).flatMap((row) => [row.typed, row.read]),
    ...(last?.findings ?? []),
    ...(last?.pages ?? []).flatMap((page) => page.warnings.map((warning) => warning.text)),
  ]);
  const texts = textsIn(desk.item?.is_masked ? {} : (desk.item?.shown ?? {}));
  return [...new Set(texts)].filter((text) => CHINESE_SENTENCE.test(text) && !said.has(text));
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
