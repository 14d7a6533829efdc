/** What the inbox is narrowed to, as it stands in the address. */

import type { LocationQuery, LocationQueryRaw } from 'vue-router';
import type { Narrowing } from '@/api/work-items';

export const VIEWS = ['groups', 'mine', 'claimed', 'done'] as const;
export type View = (typeof VIEWS)[number];
export const AGES = ['3600', '14400', '86400', '259200'] as const;
export const DUES = ['overdue', 'today'] as const;

export interface Filter {
  view: View;
  flow: string;
  element: string;
  facet: string;
  older: string;
  due: string;
}

/** What the address says; anything in it that is not a filter of ours counts as absent. */
export function filterOf(query: LocationQuery): Filter {
  return {
    view: oneOf(VIEWS, query.view) ?? 'groups',
    flow: textOf(query.flow),
    element: textOf(query.element),
    facet: textOf(query.facet),
    older: oneOf(AGES, query.older) ?? '',
    due: oneOf(DUES, query.due) ?? '',
  };
}

export function queryOf(filter: Filter): LocationQueryRaw {
  const { view, ...rest } = filter;
  const set = Object.entries(rest).filter(([, value]) => value !== '');
  return { ...(view === 'groups' ? {} : { view }), ...Object.fromEntries(set) };
}

export function isNarrowed(filter: Filter): boolean {
  const { view: _, ...rest } = filter;
  return Object.values(rest).some((value) => value !== '');
}

export function narrowingOf(filter: Filter): Narrowing {
  return {
    flow: filter.flow || null,
    element: filter.element || null,
    facet: filter.facet || null,
    older_than_s: filter.older ? Number(filter.older) : null,
    due: oneOf(DUES, filter.due) ?? null,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' && value.length <= 200 ? value : '';
}

function oneOf<T extends string>(known: readonly T[], value: unknown): T | undefined {
  return known.find((each) => each === value);
}
