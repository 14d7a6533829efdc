import { describe, expect, it } from 'vitest';
import { effectScope, nextTick, ref } from 'vue';
import { useRevealing } from './revealing';

const settled = () => new Promise((resolve) => setTimeout(resolve));

function entry() {
  const id = ref('甲');
  const asked: [string, boolean][] = [];
  const load = (one: string, reveal: boolean) => {
    asked.push([one, reveal]);
    return Promise.resolve({ one, reveal });
  };
  const revealing = effectScope().run(() => useRevealing(() => id.value, load));
  if (!revealing) throw new Error('a scope that is active runs what it is given');
  return { id, asked, ...revealing };
}

describe('useRevealing', () => {
  it('asks masked first, plain only when told to, and masked again', async () => {
    const { asked, toggle } = entry();
    await settled();

    await toggle();
    await toggle();

    expect(asked).toEqual([
      ['甲', false],
      ['甲', true],
      ['甲', false],
    ]);
  });

  it('asks once for a button pressed twice: every look is recorded', async () => {
    const { asked, toggle } = entry();
    await settled();

    await Promise.all([toggle(), toggle()]);

    expect(asked).toEqual([
      ['甲', false],
      ['甲', true],
    ]);
  });

  it('shows the next person masked', async () => {
    const { id, asked, toggle } = entry();
    await settled();
    await toggle();

    id.value = '乙';
    await nextTick();
    await settled();

    expect(asked.at(-1)).toEqual(['乙', false]);
  });
});
