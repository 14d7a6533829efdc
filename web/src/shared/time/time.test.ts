import { describe, expect, it } from 'vitest';
import { exactTime, pausedClock, relativeTime, workingTimeLeft } from '@/shared/time/time';

const NOW = new Date('2026-03-02T02:05:00Z'); // Monday, 10:05 in Beijing

describe('relativeTime', () => {
  it.each([
    ['2026-03-02T02:04:31Z', '刚刚'],
    ['2026-03-02T02:00:00Z', '5 分钟前'],
    ['2026-03-01T23:00:00Z', '3 小时前'],
    ['2026-03-01T14:30:00Z', '昨天 22:30'],
    ['2026-02-27T01:00:00Z', '2026-02-27 09:00'],
  ])('%s is %s', (at, said) => {
    expect(relativeTime(at, NOW)).toBe(said);
  });
});

it('exactTime is Beijing time, whatever the zone of the machine', () => {
  expect(exactTime('2026-03-01T16:05:00Z')).toBe('2026-03-02 00:05');
});

describe('workingTimeLeft', () => {
  it.each([
    [null, '无时限', 'none'],
    [30 * 60, '剩 30 分钟', 'soon'],
    [4 * 3600, '剩 4 小时', 'soon'],
    [6 * 3600, '剩 6 小时', 'calm'],
    [23 * 3600, '剩 23 小时', 'calm'],
    [36 * 3600, '剩 1.5 个工作日', 'calm'],
    [-20 * 60, '已超时 20 分钟', 'over'],
    [-72 * 3600, '已超时 3 个工作日', 'over'],
  ])('%s working seconds are %s', (seconds, text, urgency) => {
    expect(workingTimeLeft(seconds)).toEqual({ text, urgency });
  });
});

describe('pausedClock', () => {
  it.each([
    [4 * 86_400, true, '已暂停，剩 4 个工作日'],
    [36 * 3600, false, '已暂停，剩 1.5 天'],
    [5 * 3600, true, '已暂停，剩 5 小时'],
  ])('%s seconds left, of working time: %s', (left_s, is_working_time, text) => {
    expect(pausedClock({ left_s, is_working_time })).toEqual(text);
  });
});
