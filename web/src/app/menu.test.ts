import { expect, it } from 'vitest';
import type { Me } from '@/api/session';
import { homeOf, menuFor } from '@/app/menu';

const anAccount = (...groups: string[]): Me => ({ account_id: '1', kind: 'CONSOLE', display_name: '某人', groups, sandbox: false });

it.each([
  [['real_name.reviewer'], ['/inbox'], '/inbox'],
  [['real_name.reviewer', 'registers.reader'], ['/inbox', '/persons', '/credentials'], '/inbox'],
  [['registers.reader'], ['/persons', '/credentials'], '/persons'],
  [['admin'], ['/persons', '/credentials'], '/persons'],
  [[], [], '/inbox'],
])('who is in %s finds %s and begins at %s', (groups, paths, home) => {
  const account = anAccount(...groups);

  expect(menuFor(account).map((entry) => entry.to)).toEqual(paths);
  expect(homeOf(account)).toBe(home);
});
