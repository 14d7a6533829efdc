import { expect, it } from 'vitest';
import { backOf } from '@/app/back';

it.each([
  ['/cases/1?tab=diagram', '/cases/1?tab=diagram'],
  ['//elsewhere.example', '/'],
  ['/\\elsewhere.example', '/'],
  ['https://elsewhere.example', '/'],
  ['/sign-in?back=/sign-in', '/'],
  [undefined, '/'],
  [['/a', '/b'], '/'],
])('after signing in, %s leads to %s', (asked, path) => {
  expect(backOf(asked)).toBe(path);
});
