/** What a reviewer has typed and not sent: kept here at once, on the server soon after, and told to other tabs. */

import { ref, type Ref } from 'vue';
import { autosave } from './autosave';
import { forgetSaved, forgetUnsent, keepSaved, keepUnsent, savedSince, leftBehind, unsentOf, type Values } from './kept-drafts';

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

export function openDraft(options: DraftOptions): Draft {
  const { itemId, save, clock = Date.now } = options;
  const channel = options.channel === undefined ? new BroadcastChannel(CHANNEL) : options.channel;
  const kept = unsentOf(itemId);
  const values = ref<Values>(kept ?? savedSince(itemId, options.askedAt) ?? options.initial);
  const state = ref<DraftState>(kept ? { is: 'unsaved' } : { is: 'untouched' });
  const saving = autosave(saveOnce, () => !isClosed && state.value.is === 'unsaved', SAVE_AFTER_MS);
  let isClosed = false;

  async function saveOnce(): Promise<void> {
    const sent = values.value;
    state.value = { is: 'saving' };
    try {
      await save(sent);
    } catch (error) {
      if (!isClosed && values.value === sent) state.value = { is: 'not_saved', error };
      return;
    }
    keepSaved(itemId, sent, clock());
    if (isClosed || values.value !== sent) return; // typed on meanwhile: its own save follows
    nowSaved();
    channel?.postMessage({ itemId, values: plain(sent) });
  }

  function nowSaved() {
    forgetUnsent(itemId);
    state.value = { is: 'saved', at: clock() };
  }

  function later() {
    state.value = { is: 'unsaved' };
    saving.later();
  }

  function change(changed: Values) {
    if (isClosed) return;
    values.value = changed;
    keepUnsent(itemId, changed);
    later();
  }

  function takeOver() {
    if (state.value.is !== 'elsewhere') return;
    values.value = state.value.values;
    nowSaved();
  }

  function hear(told: MessageEvent<{ itemId: string; values: Values }>) {
    const isOther = told.data.itemId === itemId && !sameJson(told.data.values, values.value);
    if (isClosed || !isOther) return;
    forgetSaved(itemId);
    saving.cancel();
    state.value = { is: 'elsewhere', values: told.data.values };
  }

  function close() {
    isClosed = true;
    saving.cancel();
    channel?.close();
  }

  async function leave() {
    await leftBehind(saving.now());
    close();
  }

  function park() {
    keepUnsent(itemId, values.value);
    close();
  }

  if (channel) channel.onmessage = hear;
  if (kept) later();
  return { values, state, change, takeOver, keepMine: later, saveNow: saving.now, leave, park };
}

function sameJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function plain(values: Values): Values {
  return JSON.parse(JSON.stringify(values)) as Values;
}
