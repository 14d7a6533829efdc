import { readonly, ref } from 'vue';

const FIRST_TRY_MS = 1_000;
const LAST_TRY_MS = 10_000;

const lost = ref(false);
let back: Promise<void> | null = null;

/** True while the server cannot be reached. The banner reads it; lists reload when it turns false. */
export const isConnectionLost = readonly(lost);

/**
 * Resolves when the server answers again; all who wait share one probe.
 * `probe` resolves to true when it does. `pause` waits that many milliseconds.
 */
export function connectionIsBack(probe: () => Promise<boolean>, pause = sleep): Promise<void> {
  back ??= keepTrying(probe, pause).finally(() => {
    back = null;
    lost.value = false;
  });
  return back;
}

async function keepTrying(probe: () => Promise<boolean>, pause: (ms: number) => Promise<void>): Promise<void> {
  lost.value = true;
  for (let wait = FIRST_TRY_MS; ; wait = Math.min(wait * 1.5, LAST_TRY_MS)) {
    await pause(wait);
    if (await probe()) return;
  }
}

/** Ends early when the browser says that it is online again. */
function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    window.addEventListener('online', done);
  });
}
