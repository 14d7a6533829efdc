import { expect, it } from 'vitest';
import { backOf } from '@/app/back';

it.each([
  ['/cases/1?tab=diagram', '/cases/1?tab=diagram'],
  ['//elsewhere.example', '/inbox'],
  ['/\\elsewhere.example', '/inbox'],
  ['https://elsewhere.example', '/inbox'],
  ['/sign-in?back=/sign-in', '/inbox'],
  [undefined, '/inbox'],
  [['/a', '/b'], '/inbox'],
])('after signing in, %s leads to %s', (asked, path) => {
  expect(backOf(asked)).toBe(path);
});
