import { describe, expect, it } from 'vitest';
import { effectScope, nextTick, ref } from 'vue';
import { CONNECTION_LOST, Refusal } from '@/api/problem';
import { useLoaded } from '@/shared/loading/loaded';

const settled = () => new Promise((resolve) => setTimeout(resolve));

/** As a component would call it. */
function inPage<T>(setup: () => T): T {
  return effectScope().run(setup) as T;
}

describe('useLoaded', () => {
  it('is loading, then ready; a failure carries its problem', async () => {
    let fails = false;
    const load = () => (fails ? Promise.reject(new Refusal(CONNECTION_LOST)) : Promise.resolve(7));
    const { state, reload } = inPage(() => useLoaded(load));

    expect(state.value).toEqual({ is: 'loading' });
    await settled();
    expect(state.value).toEqual({ is: 'ready', value: 7 });
    fails = true;
    await reload();
    expect(state.value).toEqual({ is: 'failed', problem: CONNECTION_LOST });
  });

  it('forgets an older load that is overtaken by a newer one', async () => {
    const query = ref('慢');
    const answers = new Map<string, (value: string) => void>();
    const load = () => new Promise<string>((resolve) => answers.set(query.value, resolve));
    const { state } = inPage(() => useLoaded(load, query));

    query.value = '快';
    await nextTick();
    answers.get('快')?.('快');
    await settled();
    answers.get('慢')?.('慢');
    await settled();

    expect(state.value).toEqual({ is: 'ready', value: '快' });
  });

  it('aborts when its page is left', () => {
    let signal: AbortSignal | undefined;
    const scope = effectScope();
    scope.run(() => useLoaded((given) => ((signal = given), new Promise<never>(() => undefined))));

    scope.stop();

    expect(signal?.aborted).toBe(true);
  });
});
