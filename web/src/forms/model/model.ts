/** A form as the renderer sees it: its fields in order, which of them are asked for now, and what is wrong with them. */

import { forms as words } from '@/i18n/zh-CN/forms';
import { faultsOf, fits, type Fault, type Json, type Schema } from './schema';

export type Values = Record<string, unknown>;

export const KINDS = [
  'text',
  'textarea',
  'select',
  'radio',
  'checkbox',
  'checkboxes',
  'date',
  'number',
  'phone',
  'email',
  'document-scan',
  'face-capture',
  'attachment',
  'consent',
  'person-by-document-number',
  'institution',
  'unit',
] as const;
export type Kind = (typeof KINDS)[number];

export const FILE_KINDS: readonly Kind[] = ['document-scan', 'face-capture', 'attachment'];

export interface Option {
  value: Json;
  label: string;
}

/**
 * One field. key: the key that moves to it. optionKeys: option value → the key that picks it. templates: texts to begin
 * from. when: field → values; the field is asked for only while every named field has one of its values.
 */
export interface Field {
  name: string;
  title: string;
  kind: Kind;
  help: string;
  schema: Schema;
  options: Option[];
  key: string;
  optionKeys: Record<string, string>;
  templates: string[];
  text: string;
  when: Record<string, Json[]>;
  longest: number;
}

export interface FormModel {
  title: string;
  help: string;
  schema: Schema;
  fields: Field[];
}

const LONGEST_TEXT = 1000; // what the server takes where the schema names no maxLength

export function formModel(schema: Schema): FormModel {
  const properties = schema.properties ?? {};
  const order = textsOf(schema.ui?.order).filter((name) => name in properties);
  const names = [...order, ...Object.keys(properties).filter((name) => !order.includes(name))];
  return {
    title: textOf(schema.ui?.title) || schema.title || '',
    help: textOf(schema.ui?.help),
    schema,
    fields: names.map((name) => fieldOf(name, properties[name] ?? {})),
  };
}

function fieldOf(name: string, schema: Schema): Field {
  const ui = schema.ui ?? {};
  return {
    name,
    title: schema.title ?? (textOf(ui.title) || name),
    kind: kindOf(schema),
    help: textOf(ui.help) || (schema.description ?? ''),
    schema,
    options: optionsOf(schema, ui.labels),
    key: textOf(ui.key),
    optionKeys: recordOf(ui.keys, textOf),
    templates: textsOf(ui.templates),
    text: textOf(ui.text),
    when: recordOf(ui.when, (each) => (Array.isArray(each) ? (each as Json[]) : [each as Json])),
    longest: schema.maxLength ?? LONGEST_TEXT,
  };
}

/** The `ui.kind`, or what the schema suggests; as the server decides it. */
function kindOf(schema: Schema): Kind {
  const named = KINDS.find((kind) => kind === schema.ui?.kind);
  if (named) return named;
  if (schema.enum) return 'select';
  if (schema.type === 'boolean') return 'checkbox';
  if (schema.type === 'integer' || schema.type === 'number') return 'number';
  if (schema.type === 'array') return 'checkboxes';
  return schema.format === 'date' ? 'date' : 'text';
}

function optionsOf(schema: Schema, labels: unknown): Option[] {
  const values = schema.enum ?? schema.items?.enum ?? [];
  const named = recordOf(labels, textOf);
  return values.map((value) => ({ value, label: named[String(value)] || String(value) }));
}

/** The fields to draw for these values; a field whose `ui.when` does not hold is neither drawn nor sent. */
export function shownFields(form: FormModel, values: Values): Field[] {
  return form.fields.filter((field) =>
    Object.entries(field.when).every(([other, wanted]) => wanted.some((each) => each === values[other])),
  );
}

/** Names of the fields these values make compulsory. */
export function requiredNow(schema: Schema, values: Values): Set<string> {
  const names = new Set(schema.required ?? []);
  const parts = [...(schema.allOf ?? [])];
  const branch = schema.if && (fits(schema.if, values) ? schema.then : schema.else);
  if (branch) parts.push(branch);
  for (const part of parts) requiredNow(part, values).forEach((name) => names.add(name));
  for (const [on, needs] of Object.entries(schema.dependentRequired ?? {})) {
    if (values[on] !== undefined) needs.forEach((name) => names.add(name));
  }
  return names;
}

/** What is sent: shown fields only, texts trimmed, empty ones left out, as the server keeps them. */
export function valuesToSend(form: FormModel, values: Values): Values {
  const kept: Values = {};
  for (const field of shownFields(form, values)) {
    const value = cleaned(values[field.name]);
    if (value !== undefined) kept[field.name] = value;
  }
  return kept;
}

function cleaned(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value.normalize('NFC').replaceAll('\r\n', '\n').trim() || undefined;
  if (!Array.isArray(value)) return value;
  const items = value.map(cleaned).filter((each) => each !== undefined);
  return items.length ? items : undefined;
}

/** One sentence for every field that is wrong. '' holds what concerns the form as a whole. */
export function problemsOf(form: FormModel, values: Values): Record<string, string> {
  const sent = valuesToSend(form, values);
  const found: Record<string, string> = {};
  for (const fault of faultsOf(form.schema, sent)) {
    const field = form.fields.find((each) => each.name === fault.field);
    found[fault.field] ??= sentence(fault, field);
  }
  for (const field of form.fields) {
    const value = sent[field.name];
    const isLong = typeof value === 'string' && [...value].length > field.longest;
    if (isLong) found[field.name] ??= words.faults.tooLong(field.title, field.longest);
  }
  return found;
}

function sentence(fault: Fault, field: Field | undefined): string {
  const title = field?.title ?? '';
  const say = SENTENCES[fault.keyword];
  if (fault.keyword === 'required' && field?.kind === 'consent') return words.faults.agreed(title);
  return say ? say(title, fault.wanted) : words.faults.other(title);
}

const { faults } = words;
const SENTENCES: Record<string, (title: string, wanted: unknown) => string> = {
  required: faults.required,
  enum: faults.choice,
  const: faults.agreed,
  maxLength: (title, wanted) => faults.tooLong(title, Number(wanted)),
  minLength: (title, wanted) => faults.tooShort(title, Number(wanted)),
  pattern: faults.pattern,
  minItems: (title, wanted) => faults.fewItems(title, Number(wanted)),
  maxItems: (title, wanted) => faults.manyItems(title, Number(wanted)),
  uniqueItems: faults.repeated,
  minimum: (title, wanted) => faults.least(title, Number(wanted)),
  exclusiveMinimum: (title, wanted) => faults.above(title, Number(wanted)),
  maximum: (title, wanted) => faults.most(title, Number(wanted)),
  exclusiveMaximum: (title, wanted) => faults.below(title, Number(wanted)),
  type: faults.type,
  format: (title, wanted) => {
    if (wanted === 'date') return faults.date(title);
    if (wanted === 'email') return faults.email(title);
    return wanted === 'mobile' ? faults.mobile(title) : faults.other(title);
  },
};

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function recordOf<T>(value: unknown, each: (inner: unknown) => T): Record<string, T> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, each(inner)]));
}
