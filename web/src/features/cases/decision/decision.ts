/** What a decision's form means to hands on a keyboard, and what it is called once decided. */

import { ref } from 'vue';
import type { LocationQuery, Router } from 'vue-router';
import { keyOfOption } from '@/forms/model/keys';
import type { Field, FormModel, Values } from '@/forms/model/model';

export interface FormKeys {
  field: Field;
  keys: string[];
  label: string;
  shown?: string;
}

/** Every key the form has a meaning for, to be bound and listed in the help. */
export function keysOfForm(form: FormModel): FormKeys[] {
  return form.fields.flatMap((field) => {
    const own: FormKeys[] = field.key ? [{ field, keys: [field.key], label: field.title }] : [];
    const options = field.options
      .map((option, place) => ({ key: keyOfOption(field, place), label: option.label }))
      .filter((each) => each.key !== '');
    if (field.kind !== 'checkboxes') return [...own, ...options.map(({ key, label }) => ({ field, keys: [key], label }))];
    if (!options.length) return own;
    const keys = options.map((each) => each.key);
    return [...own, { field, keys, label: field.title, shown: `${keys[0]} – ${keys.at(-1)}` }];
  });
}

/** The label of what was chosen in the form's first choice: 通过, 不通过, 要求补拍. */
export function labelOf(form: FormModel, values: Values): string {
  const choice = form.fields.find((field) => field.kind === 'radio' || field.kind === 'select');
  return choice?.options.find((option) => option.value === values[choice.name])?.label ?? form.title;
}

/** The item whose decision was taken back or refused last; its page begins its form anew. */
export const returned = ref<{ itemId: string } | null>(null);

/** Back to the case of a decision that was not made after all, from wherever the person is by now. */
export function returnTo(itemId: string, query: LocationQuery, router: Router): void {
  returned.value = { itemId };
  // Also where the page is there already: it may just be leaving for the inbox or the next case.
  void router.push({ name: 'work-item', params: { workItemId: itemId }, query });
}
