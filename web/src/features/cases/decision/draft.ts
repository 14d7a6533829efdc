/** What a reviewer has typed and not sent: kept here at once, on the server soon after, and told to other tabs. */

import { ref, watch, type Ref } from 'vue';
import { currentSession } from '@/api/session';

export type Values = Record<string, unknown>;

export const SAVE_AFTER_MS = 800;
const CHANNEL = 'drafts';

export type DraftState =
  | { is: 'untouched' }
  | { is: 'unsaved' }
  | { is: 'saving' }
  | { is: 'saved'; at: number }
  | { is: 'not_saved'; error: unknown }
  | { is: 'elsewhere'; values: Values };

export interface Draft {
  values: Ref<Values>;
  state: Ref<DraftState>;
  /** What the person changes; saved by itself. */
  change: (values: Values) => void;
  /** Take what another tab wrote. */
  takeOver: () => void;
  /** Keep this tab's and save it over the other's. */
  keepMine: () => void;
  saveNow: () => Promise<void>;
  /** The page is left: saves what is unsaved, and keeps it in this tab where that fails. */
  leave: () => Promise<void>;
  /** The item is about to be sent: saves nothing more, but keeps what was typed in this tab in case it is taken back. */
  park: () => void;
}

export interface DraftOptions {
  itemId: string;
  /** The draft of the server, or the prefilled values. */
  initial: Values;
  /** When the item was asked for, by `clock`: what this tab saved since is newer than `initial`. */
  askedAt?: number;
  save: (values: Values) => Promise<void>;
  channel?: Pick<BroadcastChannel, 'postMessage' | 'close' | 'onmessage'> | null;
  clock?: () => number;
}

// Outlives a trip to the sign-in page, never the tab: what is typed about a person is not left on the disk.
const unsent = new Map<string, Values>();

// What this tab saved last, and when: an item that was asked for before then is told the draft of before.
const savedHere = new Map<string, { values: Values; at: number }>();

// Saves begun when a page was left. A page that is opened meanwhile would be told the draft of before.
const leaving = new Set<Promise<void>>();

/** Resolves when every draft left behind is saved, or could not be. Wait for it before an item is loaded. */
export async function draftsAreSettled(): Promise<void> {
  await Promise.allSettled([...leaving]);
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

watch(
  () => currentSession.value.is,
  (is) => is === 'signed-out' && forgetDrafts(),
  { flush: 'sync' },
);

export function openDraft(options: DraftOptions): Draft {
  const { itemId, save, clock = Date.now } = options;
  const channel = options.channel === undefined ? new BroadcastChannel(CHANNEL) : options.channel;
  const kept = unsent.get(itemId);
  const values = ref<Values>(kept ?? savedSince(itemId, options.askedAt) ?? options.initial);
  const state = ref<DraftState>(kept ? { is: 'unsaved' } : { is: 'untouched' });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let underWay: Promise<void> | null = null;
  let isClosed = false;

  /** One after the other: while the connection is lost saves wait, and an older one must not come last. */
  async function saveNow(): Promise<void> {
    clearTimeout(timer);
    while (underWay) await underWay;
    if (isClosed || state.value.is !== 'unsaved') return;
    underWay = saveOnce().finally(() => (underWay = null));
    await underWay;
  }

  async function saveOnce(): Promise<void> {
    const sent = values.value;
    state.value = { is: 'saving' };
    try {
      await save(sent);
    } catch (error) {
      if (!isClosed && values.value === sent) state.value = { is: 'not_saved', error };
      return;
    }
    savedHere.set(itemId, { values: sent, at: clock() });
    if (isClosed || values.value !== sent) return; // typed on meanwhile: its own save follows
    unsent.delete(itemId);
    state.value = { is: 'saved', at: clock() };
    channel?.postMessage({ itemId, values: plain(sent) });
  }

  function later() {
    state.value = { is: 'unsaved' };
    clearTimeout(timer);
    timer = setTimeout(() => void saveNow(), SAVE_AFTER_MS);
  }

  function change(changed: Values) {
    if (isClosed) return;
    values.value = changed;
    unsent.set(itemId, changed);
    later();
  }

  function takeOver() {
    if (state.value.is !== 'elsewhere') return;
    values.value = state.value.values;
    unsent.delete(itemId);
    state.value = { is: 'saved', at: clock() };
  }

  if (channel) {
    channel.onmessage = (told: MessageEvent<{ itemId: string; values: Values }>) => {
      const isOther = told.data.itemId === itemId && !sameJson(told.data.values, values.value);
      if (isClosed || !isOther) return;
      savedHere.delete(itemId);
      clearTimeout(timer);
      state.value = { is: 'elsewhere', values: told.data.values };
    };
  }
  if (kept) later();

  return {
    values,
    state,
    change,
    takeOver,
    keepMine: later,
    saveNow,
    async leave() {
      const saving = saveNow();
      leaving.add(saving);
      await saving;
      leaving.delete(saving);
      isClosed = true;
      clearTimeout(timer);
      channel?.close();
    },
    park() {
      isClosed = true;
      clearTimeout(timer);
      unsent.set(itemId, values.value);
      channel?.close();
    },
  };
}

function savedSince(itemId: string, askedAt = Infinity): Values | undefined {
  const saved = savedHere.get(itemId);
  return saved && saved.at >= askedAt ? saved.values : undefined;
}

function sameJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function plain(values: Values): Values {
  return JSON.parse(JSON.stringify(values)) as Values;
}
