import { describe, expect, it } from 'vitest';
import { filterOf, isNarrowed, narrowingOf, queryOf } from './inbox-filter';

describe('the filter in the address', () => {
  it('comes back from the address it was written to', () => {
    const filter = filterOf({ view: 'mine', flow: 'real_name', older: '3600', due: 'overdue', facet: 'passport' });

    expect(filterOf(queryOf(filter) as Record<string, string>)).toEqual(filter);
  });

  it('leaves nothing in the address where nothing is narrowed', () => {
    expect(queryOf(filterOf({}))).toEqual({});
    expect(isNarrowed(filterOf({ view: 'done' }))).toBe(false);
  });

  it('does not believe everything that stands in an address', () => {
    const filter = filterOf({ view: 'everything', older: '1 OR 1', due: ['overdue', 'today'], flow: 'x'.repeat(900) });

    expect(filter).toEqual({ view: 'groups', flow: '', element: '', facet: '', older: '', due: '' });
  });

  it('asks the server in its own words', () => {
    const filter = filterOf({ flow: 'real_name', older: '86400', due: 'today' });

    expect(narrowingOf(filter)).toEqual({ flow: 'real_name', element: null, facet: null, older_than_s: 86400, due: 'today' });
  });
});
