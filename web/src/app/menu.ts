import type { Me } from '@/api/session';
import { app } from '@/i18n/zh-CN/app';

export interface MenuEntry {
  to: string;
  label: string;
}

/** What this account finds in the menu, by what the server says it may open. */
export function menuFor(account: Me | null): MenuEntry[] {
  const may = account?.may ?? [];
  return [
    ...(may.includes('inbox') ? [{ to: '/inbox', label: app.menu.inbox }] : []),
    ...(may.includes('registers')
      ? [
          { to: '/persons', label: app.menu.persons },
          { to: '/credentials', label: app.menu.credentials },
        ]
      : []),
  ];
}

/** Where this account begins. */
export function homeOf(account: Me | null): string {
  return menuFor(account)[0]?.to ?? '/inbox';
}
