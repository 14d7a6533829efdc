import type { Me } from '@/api/session';
import { app } from '@/i18n/zh-CN/app';

export interface MenuEntry {
  to: string;
  label: string;
  /** Beginnings of the paths that belong to this entry. */
  covers: string[];
}

/** What this account finds in the menu, by what the server says it may open. */
export function menuFor(account: Me | null): MenuEntry[] {
  const may = account?.may ?? [];
  return [
    ...(may.includes('inbox') ? [{ to: '/inbox', label: app.menu.inbox, covers: ['/inbox', '/work-items/', '/cases/'] }] : []),
    ...(may.includes('registers')
      ? [
          { to: '/persons', label: app.menu.persons, covers: ['/persons'] },
          { to: '/credentials', label: app.menu.credentials, covers: ['/credentials'] },
        ]
      : []),
  ];
}

/** Whether the page at `path` belongs to that entry. */
export function isWithin(entry: MenuEntry, path: string): boolean {
  return entry.covers.some((beginning) => path.startsWith(beginning));
}

/** Where this account begins. */
export function homeOf(account: Me | null): string {
  return menuFor(account)[0]?.to ?? '/inbox';
}
