import type { Me } from '@/api/session';
import { app } from '@/i18n/zh-CN/app';

export interface MenuEntry {
  to: string;
  label: string;
}

// The groups of domain/account.py that are no inbox. Every other group of a console account is one.
const REGISTERS = 'registers.reader';
const ADMIN = 'admin';

/** What this account finds in the menu. The server refuses what the menu does not show; this only saves a walk. */
export function menuFor(account: Me | null): MenuEntry[] {
  const groups = account?.groups ?? [];
  const entries: MenuEntry[] = [];
  if (groups.some((group) => group !== REGISTERS && group !== ADMIN)) entries.push({ to: '/inbox', label: app.menu.inbox });
  if (groups.some((group) => group === REGISTERS || group === ADMIN)) {
    entries.push({ to: '/persons', label: app.menu.persons }, { to: '/credentials', label: app.menu.credentials });
  }
  return entries;
}

/** Where this account begins. */
export function homeOf(account: Me | null): string {
  return menuFor(account)[0]?.to ?? '/inbox';
}
