import { describe, expect, it } from 'vitest';
import { arrow, badgeOf, byElement, numbered } from './interventions';

const mark = (verb: string, element: string, to = '') => ({
  seq: 1,
  at: '2026-07-01T01:00:00Z',
  who: '王管理',
  verb,
  element,
  to,
  sentence: '跳过“审核”：补交纸质',
});

describe('interventions on the diagram', () => {
  it('are numbered as they happened and stand at their elements', () => {
    const found = byElement(numbered([mark('suspend', ''), mark('skip', 'review'), mark('retry', 'read'), mark('move', 'review', 'read')]));

    expect([...found.keys()]).toEqual(['review', 'read']);
    expect(found.get('review')?.map((each) => each.number)).toEqual([2, 4]);
    expect(found.get('read')?.map((each) => each.verb)).toEqual(['retry']);
  });

  it('share one badge, a short one', () => {
    const many = numbered([1, 2, 3, 4, 5].map(() => mark('retry', 'read')));

    expect(badgeOf(many.slice(0, 2))).toBe('1、2');
    expect(badgeOf(many)).toBe('1…5');
  });

  it('lead from the top of one element to the top of the other, above both', () => {
    const path = arrow({ x: 300, y: 100, width: 100, height: 80 }, { x: 0, y: 120, width: 100, height: 80 });

    const [, start, bow, end] = /^M (\S+ \S+) C \S+ (\S+), \S+ \S+, (\S+ \S+) M/.exec(path) ?? [];
    expect(start).toBe('350 100');
    expect(end).toBe('50 120');
    expect(Number(bow)).toBeLessThan(100 - 40);
  });

  it('make a loop where a token goes to the element it came from', () => {
    const box = { x: 0, y: 100, width: 100, height: 80 };

    const [, start, end] = /^M (\S+) \S+ C \S+ \S+, \S+ \S+, (\S+) \S+ M/.exec(arrow(box, box)) ?? [];

    expect([start, end]).toEqual(['10', '90']);
  });
});
