/** The desk the address names, open on the page: loaded, or prepared ahead; its pictures live as long as it is shown. */

import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import { problemOf } from '@/api/client';
import { latestOnly } from '@/shared/loading/latest';
import type { Loaded } from '@/shared/loading/loaded';
import { nextDesk } from './ahead';
import { draftsAreSettled } from './decision/kept-drafts';
import { imagesOf, loadDesk, type Desk, type DeskAddress } from './desk/desk';
import { openPictures, type Pictures } from './evidence/pictures';

export interface OpenDesk {
  desk: Desk;
  pictures: Pictures;
}

export interface DeskOnPage {
  state: ShallowRef<Loaded<OpenDesk>>;
  /** Loads it again; what is shown stays in sight until then. */
  reload: () => Promise<void>;
}

export function useDesk(address: () => DeskAddress): DeskOnPage {
  const state = shallowRef<Loaded<OpenDesk>>({ is: 'loading' });
  const latest = latestOnly();

  function show(opened: OpenDesk) {
    const before = state.value;
    state.value = { is: 'ready', value: opened };
    if (before.is === 'ready') before.value.pictures.close();
  }

  function load(from: (signal: AbortSignal) => Promise<OpenDesk>) {
    return latest.run(from, {
      ready: show,
      failed: (thrown) => (state.value = { is: 'failed', problem: problemOf(thrown) }),
      overtaken: (opened) => opened.pictures.close(),
    });
  }

  const afresh = (signal: AbortSignal) => openAfresh(address, signal);

  async function preparedOrAfresh(signal: AbortSignal): Promise<OpenDesk> {
    const asked = address();
    const prepared = 'workItemId' in asked ? await nextDesk.take(asked.workItemId) : null;
    if (prepared) return prepared;
    if (!signal.aborted) close();
    return afresh(signal);
  }

  function close() {
    if (state.value.is === 'ready') state.value.value.pictures.close();
    state.value = { is: 'loading' };
  }

  watch(() => JSON.stringify(address()), () => void load(preparedOrAfresh), { immediate: true });
  onScopeDispose(() => {
    latest.abort();
    close();
  });
  return { state, reload: () => load(afresh) };
}

/** As the server tells it now, with every draft that was left behind. */
async function openAfresh(address: () => DeskAddress, signal: AbortSignal): Promise<OpenDesk> {
  await draftsAreSettled();
  const desk = await loadDesk(address(), signal);
  return { desk, pictures: openPictures(imagesOf(desk)) };
}
