/** Short messages at the foot of the page: said once, read aloud by screen readers, gone after a while. */

import { readonly, ref } from 'vue';
import { problemOf } from '@/api/problem';

export type Tone = 'calm' | 'good' | 'bad';

export interface Notice {
  id: number;
  tone: Tone;
  text: string;
  /** Something to do about it. */
  action?: { label: string; run: () => void };
}

const LASTS_MS: Record<Tone, number> = { calm: 5_000, good: 4_000, bad: 12_000 };
const MOST = 3;

const shown = ref<Notice[]>([]);
let last = 0;

export const notices = readonly(shown);

export function say(text: string, tone: Tone = 'calm', action?: Notice['action']): void {
  const id = ++last;
  const others = shown.value.filter((each) => each.text !== text);
  shown.value = [...others, { id, tone, text, ...(action && { action }) }].slice(-MOST);
  setTimeout(() => dismiss(id), LASTS_MS[tone]);
}

/** Says what was refused and what to do about it. */
export function sayProblem(thrown: unknown): void {
  const problem = problemOf(thrown);
  say(problem.detail ? `${problem.title}：${problem.detail}` : problem.title, 'bad');
}

export function dismiss(id: number): void {
  shown.value = shown.value.filter((each) => each.id !== id);
}
