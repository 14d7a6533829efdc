import type { InjectionKey } from 'vue';
import type { Field, Kind, Option } from '../model/model';

/** What every kind of field is given. described: ids of its help and its problem. */
export interface FieldProps {
  id: string;
  field: Field;
  disabled: boolean;
  isRequired: boolean;
  isWrong: boolean;
  described?: string | undefined;
}

export interface StoredFile {
  id: string;
  url: string;
}

/** What fields need from where the form stands. Without `upload`, files can be looked at but not chosen. */
export interface FormPlace {
  imageOf: (attachment: string) => string | undefined;
  upload?: (field: string, file: File) => Promise<StoredFile>;
  lookUp?: Partial<Record<Kind, (text: string) => Promise<Option[]>>>;
}

export const PLACE: InjectionKey<FormPlace> = Symbol('form place');
