import { describe, expect, it } from 'vitest';
import { latestOnly, type Outcome } from './latest';

/** Answers when it is told to. */
function asked() {
  let give!: (value: string) => void;
  let fail!: (thrown: Error) => void;
  let signal!: AbortSignal;
  const promise = new Promise<string>((resolve, reject) => ([give, fail] = [resolve, reject]));
  return { load: (given: AbortSignal) => ((signal = given), promise), give, fail, isAborted: () => signal.aborted };
}

function told() {
  const heard: string[] = [];
  const outcome: Outcome<string> = {
    ready: (value) => heard.push(`ready ${value}`),
    failed: (thrown) => heard.push(`failed ${(thrown as Error).message}`),
    overtaken: (value) => heard.push(`overtaken ${value}`),
  };
  return { heard, outcome };
}

describe('loads of which only the latest counts', () => {
  it('hands an overtaken answer back to be freed, whichever comes last', async () => {
    const { heard, outcome } = told();
    const [old, recent] = [asked(), asked()];
    const latest = latestOnly();

    const runs = [latest.run(old.load, outcome), latest.run(recent.load, outcome)];
    recent.give('new');
    old.give('old');
    await Promise.all(runs);

    expect(heard.sort()).toEqual(['overtaken old', 'ready new']);
    expect([old.isAborted(), recent.isAborted()]).toEqual([true, false]);
  });

  it('says nothing of a failure that is overtaken or was aborted', async () => {
    const { heard, outcome } = told();
    const [old, recent, last] = [asked(), asked(), asked()];
    const latest = latestOnly();

    const runs = [latest.run(old.load, outcome), latest.run(recent.load, outcome)];
    old.fail(new Error('old'));
    recent.fail(new Error('new'));
    await Promise.all(runs);
    const left = latest.run(last.load, outcome);
    latest.abort();
    last.fail(new Error('left'));
    await left;

    expect(heard).toEqual(['failed new']);
  });
});
