/** Which key picks which option of a form. */

import { shownFields, type Field, type FormModel, type Values } from './model';
import type { Json } from './schema';

/** The key shown beside an option: the form's own, else 1-9 by place for a list of reasons. '' for none. */
export function keyOfOption(field: Field, place: number): string {
  const option = field.options[place];
  if (!option) return '';
  const own = field.optionKeys[String(option.value)];
  if (own) return own;
  return field.kind === 'checkboxes' && place < 9 ? String(place + 1) : '';
}

export type KeyPress = { does: 'pick'; field: Field; option: Json } | { does: 'focus'; field: Field };

/** What a key does in this form with these values; null when it means nothing here. */
export function meaningOfKey(form: FormModel, values: Values, key: string): KeyPress | null {
  for (const field of shownFields(form, values)) {
    if (field.key === key) return { does: 'focus', field };
    const place = field.options.findIndex((_, each) => keyOfOption(field, each) === key);
    const option = field.options[place];
    if (option) return { does: 'pick', field, option: option.value };
  }
  return null;
}

/** The values after an option was picked (a radio) or toggled (a checkbox). */
export function picked(values: Values, field: Field, option: Json): Values {
  if (field.kind !== 'checkboxes') return { ...values, [field.name]: option };
  const held: unknown[] = Array.isArray(values[field.name]) ? (values[field.name] as unknown[]) : [];
  const kept = field.options.map((each) => each.value);
  const rest = kept.filter((each) => (each === option ? !held.includes(each) : held.includes(each)));
  return { ...values, [field.name]: rest };
}
