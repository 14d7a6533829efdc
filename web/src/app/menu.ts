import type { Me } from '@/api/session';
import { app } from '@/i18n/zh-CN/app';

export interface MenuEntry {
  to: string;
  label: string;
}

/** What this account finds in the menu. The server refuses what the menu does not show; this only saves a walk. */
export function menuFor(account: Me | null): MenuEntry[] {
  if (!account) return [];
  return [
    { to: '/inbox', label: app.menu.inbox },
    { to: '/persons', label: app.menu.persons },
    { to: '/credentials', label: app.menu.credentials },
  ];
}
