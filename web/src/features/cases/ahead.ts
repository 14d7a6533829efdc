/** The next case, claimed and loaded while the present one is decided, so that it opens at once. */

import { answer, client } from '@/api/client';
import { claimNext, releaseWorkItem, type Narrowing, type WorkItem } from '@/api/work-items';
import { imagesOf, loadDesk, type Desk } from './desk/desk';
import { openPictures, type Pictures } from './evidence/pictures';

export interface Prepared {
  itemId: string;
  desk: Desk;
  pictures: Pictures;
}

/** isNew: claimed just now, for being prepared. */
interface Picked {
  item: WorkItem;
  isNew: boolean;
}

type Prepare = (itemId: string, caseId: string) => Promise<Prepared>;

interface Ahead {
  key: string;
  itemId: Promise<string | null>;
  wasClaimed: Promise<boolean>;
  prepared: Promise<Prepared | null>;
}

export interface AheadOptions {
  pick?: typeof pickNext;
  prepare?: Prepare;
  release?: (itemId: string) => Promise<unknown>;
}

export interface AheadDesk {
  /** Begins to fetch the next case; does nothing while one is ready for the same narrowing. */
  begin: (narrowing: Narrowing, except: readonly string[]) => void;
  /** The id of the next item, null when there is none. Its desk waits in `take`. */
  next: (narrowing: Narrowing, except: readonly string[]) => Promise<string | null>;
  /** What was prepared for this item, once. */
  take: (itemId: string) => Promise<Prepared | null>;
  /** An item that was looked at and left for later: the next one is another. */
  pass: (itemId: string) => void;
  /** Nobody goes on: what was claimed ahead goes back to the inbox. */
  giveUp: () => Promise<void>;
}

export function aheadDesk(options: AheadOptions = {}): AheadDesk {
  const { pick = pickNext, prepare = prepareDesk, release = releaseWorkItem } = options;
  let ahead: Ahead | null = null;
  const passed = new Set<string>();

  function begin(narrowing: Narrowing, except: readonly string[]) {
    const key = JSON.stringify(narrowing);
    if (ahead?.key === key) return;
    if (ahead) void dropAhead();
    const mine = (ahead = aheadOf(key, pick(narrowing, [...except, ...passed]), prepare));
    const forget = () => void (ahead === mine && (ahead = null));
    mine.itemId.then((id) => id === null && forget(), forget); // something may have come in by the time it is asked again
  }

  async function next(narrowing: Narrowing, except: readonly string[]): Promise<string | null> {
    begin(narrowing, except);
    const found = await ahead!.itemId;
    if (found === null || !except.includes(found)) return found;
    ahead = null; // it was opened and decided by hand meanwhile
    begin(narrowing, except);
    return ahead!['itemId'];
  }

  async function take(itemId: string): Promise<Prepared | null> {
    const mine = ahead;
    if (!mine || (await mine.itemId.catch(() => null)) !== itemId) return null;
    if (ahead === mine) ahead = null;
    return mine.prepared;
  }

  async function giveUp() {
    passed.clear();
    await dropAhead();
  }

  async function dropAhead() {
    const mine = ahead;
    ahead = null;
    if (!mine) return;
    const itemId = await mine.itemId.catch(() => null);
    (await mine.prepared)?.pictures.close();
    if (itemId && (await mine.wasClaimed)) await release(itemId).catch(() => undefined); // it stays in one's own list then
  }

  return { begin, next, take, pass: (itemId) => void passed.add(itemId), giveUp };
}

function aheadOf(key: string, picked: Promise<Picked | null>, prepare: Prepare): Ahead {
  return {
    key,
    itemId: picked.then((found) => found?.item.id ?? null),
    wasClaimed: picked.then((found) => found?.isNew ?? false).catch(() => false),
    prepared: picked.then((found) => (found ? prepare(found.item.id, found.item.case_id) : null)).catch(() => null),
  };
}

/** What one holds already comes first, then the oldest that fits and is nobody's. */
async function pickNext(narrowing: Narrowing, except: readonly string[]): Promise<Picked | null> {
  const set = Object.fromEntries(Object.entries(narrowing).filter(([, value]) => value !== null));
  const query = { ...set, view: 'mine' as const, limit: except.length + 1 };
  const mine = await answer(client.GET('/api/v1/inbox', { params: { query } }));
  const held = mine.items.find((item) => !except.includes(item.id));
  if (held) return { item: held, isNew: false };
  const { item } = await claimNext(narrowing);
  return item && { item, isNew: true };
}

async function prepareDesk(itemId: string, caseId: string): Promise<Prepared> {
  const desk = await loadDesk({ workItemId: itemId, caseId });
  return { itemId, desk, pictures: openPictures(imagesOf(desk)) };
}

/** The one of this tab. */
export const nextDesk = aheadDesk();
