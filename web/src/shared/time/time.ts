import { time } from '@/i18n/zh-CN/time';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ZONE = 'Asia/Shanghai';

const clockFormat = new Intl.DateTimeFormat('zh-CN', { timeZone: ZONE, hour: '2-digit', minute: '2-digit', hour12: false });
const dayFormat = new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE, year: 'numeric', month: '2-digit', day: '2-digit' });

/** `2026-03-02 10:05`, in Beijing time. */
export function exactTime(at: string | Date): string {
  const date = new Date(at);
  return `${dayFormat.format(date)} ${clockFormat.format(date)}`;
}

/** `刚刚`, `5 分钟前`, `3 小时前`, `昨天 09:30`, then the date. */
export function relativeTime(at: string | Date, now: Date): string {
  const date = new Date(at);
  const past = now.getTime() - date.getTime();
  if (past < MINUTE) return time.justNow;
  if (past < HOUR) return time.minutesAgo(Math.floor(past / MINUTE));
  const yesterday = dayFormat.format(new Date(now.getTime() - DAY));
  if (dayFormat.format(date) === yesterday) return time.yesterday(clockFormat.format(date));
  if (past < DAY) return time.hoursAgo(Math.floor(past / HOUR));
  return exactTime(date);
}

export type Urgency = 'none' | 'calm' | 'soon' | 'over';
export interface TimeLeft {
  text: string;
  urgency: Urgency;
}

/** Time stands still on days off only: a working day counts all its hours, as the server's working_time_left_s does. */
const WORKING_DAY_S = 24 * 3600;
const SOON_S = 4 * 3600;

/** Working seconds until something is due (negative: since it was), in words and as an urgency. null: no time limit. */
export function workingTimeLeft(seconds: number | null): TimeLeft {
  if (seconds === null) return { text: time.noDue, urgency: 'none' };
  const text = spanOf(Math.abs(seconds));
  if (seconds < 0) return { text: time.over(text), urgency: 'over' };
  return { text: time.left(text), urgency: seconds <= SOON_S ? 'soon' : 'calm' };
}

/** What is left on a clock that stands still, e.g. while the applicant amends. */
export function pausedClock(paused: { left_s: number; is_working_time: boolean }): string {
  const isLong = paused.left_s >= WORKING_DAY_S && !paused.is_working_time;
  return time.paused(isLong ? time.plainDays(days(paused.left_s)) : spanOf(paused.left_s));
}

function spanOf(seconds: number): string {
  if (seconds < 3600) return time.minutes(Math.ceil(seconds / 60));
  if (seconds < WORKING_DAY_S) return time.hours(Math.round(seconds / 3600));
  return time.days(days(seconds));
}

function days(seconds: number): number {
  return Math.round((seconds / WORKING_DAY_S) * 10) / 10;
}
