/** What fields of the kinds `unit` and `institution` are searched with. */

import { answer, client, type Schemas } from '@/api/client';
import type { FormPlace } from './fields/props';
import type { Option } from './model/model';

export type Unit = Schemas['UnitChoices']['items'][number];
const MOST = 20;

let known: Promise<Unit[]> | null = null;

/** All units, asked for once; after a failure again. */
function allUnits(): Promise<Unit[]> {
  known ??= answer(client.GET('/api/v1/lookups/units')).then(
    (list) => list.items,
    (thrown: unknown) => {
      known = null;
      throw thrown;
    },
  );
  return known;
}

/** Units whose name holds the text or whose code begins with it, as choices: the field's value is the code. */
export function matching(units: readonly Unit[], text: string): Option[] {
  return units
    .filter((unit) => unit.name.includes(text) || unit.code.startsWith(text))
    .slice(0, MOST)
    .map((unit) => ({ value: unit.code, label: unit.name }));
}

async function findInstitutions(text: string): Promise<Option[]> {
  if (text.length < 2) return [];
  const found = await answer(client.GET('/api/v1/lookups/institutions', { params: { query: { q: text } } }));
  return found.items.map((each) => ({ value: each.id, label: `${each.name}（${each.unit}）` }));
}

export const lookUps: NonNullable<FormPlace['lookUp']> = {
  unit: async (text) => matching(await allUnits(), text),
  institution: findInstitutions,
};
