/**
 * The part of JSON Schema 2020-12 that forms may use, checked as the server checks it. A check here only spares a round
 * trip: the server decides. Nothing is compiled, so the page's CSP needs no `unsafe-eval`.
 */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  dependentRequired?: Record<string, string[]>;
  enum?: Json[];
  const?: Json;
  default?: Json;
  title?: string;
  description?: string;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  items?: Schema;
  contains?: Schema;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  if?: Schema;
  then?: Schema;
  else?: Schema;
  not?: Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  readOnly?: boolean;
  ui?: Record<string, unknown>;
}

/** keyword: the JSON Schema keyword that failed. wanted: its value. field: top-level property, '' for the root. */
export interface Fault {
  field: string;
  keyword: string;
  wanted: unknown;
}

/** Everything wrong with `value`, in the order of the schema. */
export function faultsOf(schema: Schema, value: unknown, field = ''): Fault[] {
  return [
    ...typeFaults(schema, value, field),
    ...textFaults(schema, value, field),
    ...numberFaults(schema, value, field),
    ...listFaults(schema, value, field),
    ...objectFaults(schema, value, field),
    ...conditionFaults(schema, value, field),
  ];
}

export function fits(schema: Schema, value: unknown): boolean {
  return faultsOf(schema, value).length === 0;
}

function fault(field: string, keyword: string, wanted: unknown): Fault[] {
  return [{ field, keyword, wanted }];
}

function typeFaults(schema: Schema, value: unknown, field: string): Fault[] {
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length && !types.some((type) => isOfType(type, value))) return fault(field, 'type', schema.type);
  if (schema.enum && !schema.enum.some((each) => isSame(each, value))) return fault(field, 'enum', schema.enum);
  if (schema.const !== undefined && !isSame(schema.const, value)) return fault(field, 'const', schema.const);
  return [];
}

const IS_TYPE: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  array: (value) => Array.isArray(value),
  object: isObject,
  null: (value) => value === null,
};

function isOfType(type: string, value: unknown): boolean {
  return IS_TYPE[type]?.(value) ?? false;
}

function textFaults(schema: Schema, value: unknown, field: string): Fault[] {
  if (typeof value !== 'string') return [];
  const length = [...value].length; // code points, as the server counts
  if (schema.minLength !== undefined && length < schema.minLength) return fault(field, 'minLength', schema.minLength);
  if (schema.maxLength !== undefined && length > schema.maxLength) return fault(field, 'maxLength', schema.maxLength);
  if (schema.pattern !== undefined && !matches(schema.pattern, value)) return fault(field, 'pattern', schema.pattern);
  const format = schema.format === undefined ? undefined : FORMATS[schema.format];
  return format && !format(value) ? fault(field, 'format', schema.format) : [];
}

/** A pattern this engine cannot read is left to the server. */
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(value);
  } catch {
    return true;
  }
}

const FORMATS: Record<string, (value: string) => boolean> = {
  date: isDate,
  email: (value) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value),
  mobile: (value) => /^1[3-9]\d{9}$/.test(value),
};

function isDate(value: string): boolean {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  if (!parts) return false;
  const day = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value);
}

function numberFaults(schema: Schema, value: unknown, field: string): Fault[] {
  if (typeof value !== 'number') return [];
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (minimum !== undefined && value < minimum) return fault(field, 'minimum', minimum);
  if (maximum !== undefined && value > maximum) return fault(field, 'maximum', maximum);
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) {
    return fault(field, 'exclusiveMinimum', exclusiveMinimum);
  }
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) {
    return fault(field, 'exclusiveMaximum', exclusiveMaximum);
  }
  const isMultiple = multipleOf === undefined || Number.isInteger(value / multipleOf);
  return isMultiple ? [] : fault(field, 'multipleOf', multipleOf);
}

function listFaults(schema: Schema, value: unknown, field: string): Fault[] {
  if (!Array.isArray(value)) return [];
  const { minItems, maxItems, uniqueItems, items, contains } = schema;
  if (minItems !== undefined && value.length < minItems) return fault(field, 'minItems', minItems);
  if (maxItems !== undefined && value.length > maxItems) return fault(field, 'maxItems', maxItems);
  const repeats = value.some((each, place) => value.slice(0, place).some((other) => isSame(each, other)));
  if (uniqueItems && repeats) return fault(field, 'uniqueItems', true);
  if (contains && !value.some((each) => fits(contains, each))) return fault(field, 'contains', contains);
  return items ? value.flatMap((each) => faultsOf(items, each, field)) : [];
}

function objectFaults(schema: Schema, value: unknown, field: string): Fault[] {
  if (!isObject(value)) return [];
  const missing = [
    ...(schema.required ?? []),
    ...Object.entries(schema.dependentRequired ?? {}).flatMap(([on, needs]) => (on in value ? needs : [])),
  ].filter((name) => value[name] === undefined);
  return [
    ...missing.flatMap((name) => fault(field || name, 'required', name)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) =>
      value[name] === undefined ? [] : faultsOf(part, value[name], field || name),
    ),
  ];
}

function conditionFaults(schema: Schema, value: unknown, field: string): Fault[] {
  const found = (schema.allOf ?? []).flatMap((part) => faultsOf(part, value, field));
  const branch = schema.if && (fits(schema.if, value) ? schema.then : schema.else);
  if (branch) found.push(...faultsOf(branch, value, field));
  if (schema.anyOf && !schema.anyOf.some((part) => fits(part, value))) found.push(...fault(field, 'anyOf', null));
  if (schema.oneOf && schema.oneOf.filter((part) => fits(part, value)).length !== 1) {
    found.push(...fault(field, 'oneOf', null));
  }
  if (schema.not && fits(schema.not, value)) found.push(...fault(field, 'not', null));
  return found;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === 'object' && JSON.stringify(one) === JSON.stringify(other));
}
