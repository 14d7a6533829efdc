import { expect, it } from 'vitest';
import type { Me } from '@/api/session';
import { homeOf, isWithin, menuFor } from '@/app/menu';

const anAccount = (...may: string[]): Me => ({
  account_id: '1',
  kind: 'CONSOLE',
  display_name: '某人',
  groups: [],
  may,
  sandbox: false,
});

it.each([
  [['inbox'], ['/inbox'], '/inbox'],
  [['inbox', 'registers', 'registers.reveal'], ['/inbox', '/persons', '/credentials'], '/inbox'],
  [['registers'], ['/persons', '/credentials'], '/persons'],
  [[], [], '/inbox'],
])('who may open %s finds %s and begins at %s', (may, paths, home) => {
  const account = anAccount(...may);

  expect(menuFor(account).map((entry) => entry.to)).toEqual(paths);
  expect(homeOf(account)).toBe(home);
});

it.each([
  ['/inbox', '/inbox'],
  ['/work-items/1', '/inbox'],
  ['/cases/1', '/inbox'],
  ['/persons/1', '/persons'],
  ['/nowhere', undefined],
])('%s belongs to the entry %s', (path, entry) => {
  const found = menuFor(anAccount('inbox', 'registers')).filter((each) => isWithin(each, path));

  expect(found.map((each) => each.to)).toEqual(entry ? [entry] : []);
});
