import { ref, watch, type Ref } from 'vue';
import { me } from '@/api/session';

// What was searched for is a name or a number: it stays in memory and never enters the address or the history of the browser.
const remembered: Record<'persons' | 'credentials', Ref<string>> = { persons: ref(''), credentials: ref('') };

// Another person at the same desk begins with nothing.
watch(
  () => me.value?.account_id,
  () => Object.values(remembered).forEach((search) => (search.value = '')),
);

/** The search of that register, kept while somebody looks at what was found and comes back. */
export function useSearch(register: 'persons' | 'credentials'): Ref<string> {
  return remembered[register];
}

/** Moves the focus from row to row; Enter then follows the row's own link. */
export function moveFocus(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  const here = rows.findIndex((row) => row === document.activeElement);
  const target = here < 0 ? rows[0] : rows[Math.min(rows.length - 1, Math.max(0, here + by))];
  target?.focus();
}
