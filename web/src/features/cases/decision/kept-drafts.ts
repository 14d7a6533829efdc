/** What this tab keeps of drafts beyond the page they were typed on. In memory only: nothing about a person is left on the disk. */

import { watch } from 'vue';
import { currentSession } from '@/api/session';

export type Values = Record<string, unknown>;

// Outlives a trip to the sign-in page, never the tab.
const unsent = new Map<string, Values>();

// What this tab saved last, and when: an item that was asked for before then is told the draft of before.
const savedHere = new Map<string, { values: Values; at: number }>();

// Saves begun when a page was left. A page that is opened meanwhile would be told the draft of before.
const leaving = new Set<Promise<void>>();

/** What was typed and neither sent nor saved. */
export function unsentOf(itemId: string): Values | undefined {
  return unsent.get(itemId);
}

export function keepUnsent(itemId: string, values: Values): void {
  unsent.set(itemId, values);
}

export function forgetUnsent(itemId: string): void {
  unsent.delete(itemId);
}

export function keepSaved(itemId: string, values: Values, at: number): void {
  savedHere.set(itemId, { values, at });
}

/** What this tab saved at or after that time; without one, nothing counts as newer than what the server told. */
export function savedSince(itemId: string, askedAt = Infinity): Values | undefined {
  const saved = savedHere.get(itemId);
  return saved && saved.at >= askedAt ? saved.values : undefined;
}

/** Another tab has saved since. */
export function forgetSaved(itemId: string): void {
  savedHere.delete(itemId);
}

/** Forgets one draft: its item has been sent. */
export function forgetDraft(itemId: string): void {
  unsent.delete(itemId);
  savedHere.delete(itemId);
}

/** Forgets every draft of this tab: another person signs in. */
export function forgetDrafts(): void {
  unsent.clear();
  savedHere.clear();
}

/** Counts a save of a page that is left among those `draftsAreSettled` waits for. */
export async function leftBehind(saving: Promise<void>): Promise<void> {
  leaving.add(saving);
  await saving;
  leaving.delete(saving);
}

/** Resolves when every draft left behind is saved, or could not be. Wait for it before an item is loaded. */
export async function draftsAreSettled(): Promise<void> {
  await Promise.allSettled([...leaving]);
}

watch(
  () => currentSession.value.is,
  (is) => is === 'signed-out' && forgetDrafts(),
  { flush: 'sync' },
);
