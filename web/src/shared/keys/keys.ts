import { onScopeDispose, shallowReactive } from 'vue';

export interface KeyBinding {
  /** Values of KeyboardEvent.key, e.g. ['j'] or ['1', '2', '3']. Letters in lower case. */
  keys: string[];
  /** What it does, for the help. */
  label: string;
  /** How the help writes the keys when not one by one: '1 – 9'. */
  shown?: string;
  run: (key: string) => void;
  /** Refused while false: the key does nothing. */
  when?: () => boolean;
}

export interface KeyGroup {
  title: string;
  bindings: KeyBinding[];
}

/** Every group in force, the newest last; the help lists them. */
export const keyGroups = shallowReactive<KeyGroup[]>([]);

/** Bind keys while the calling component lives. A later group wins over an earlier one for the same key. */
export function useKeys(title: string, bindings: KeyBinding[]): void {
  const group = { title, bindings };
  if (keyGroups.length === 0) window.addEventListener('keydown', dispatch);
  keyGroups.push(group);
  onScopeDispose(() => {
    keyGroups.splice(keyGroups.indexOf(group), 1);
    if (keyGroups.length === 0) window.removeEventListener('keydown', dispatch);
  });
}

function dispatch(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (isMeantForControl(event)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  for (const group of [...keyGroups].reverse()) {
    const found = group.bindings.find((one) => one.keys.includes(key) && (one.when?.() ?? true));
    if (found) {
      event.preventDefault();
      found.run(key);
      return;
    }
  }
}

/** Typing stays typing, Enter presses the focused button, and nothing behind an open dialog moves. */
function isMeantForControl(event: KeyboardEvent): boolean {
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (isModalOpen()) return true;
  if (!target) return false;
  if (target.isContentEditable || target.matches('textarea, select, input:not([type="checkbox"], [type="radio"])')) return true;
  return ['Enter', ' '].includes(event.key) && target.closest('a, button, [role="button"], summary') !== null;
}

/** Element Plus keeps closed dialogs in the page with display: none. */
function isModalOpen(): boolean {
  return [...document.querySelectorAll('dialog[open], [role="dialog"][aria-modal="true"]')].some(
    (one) => one instanceof HTMLElement && one.getClientRects().length > 0,
  );
}
