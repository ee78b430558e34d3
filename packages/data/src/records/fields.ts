import { recordError, shown } from './record-error.js';

/** The fields of one record, each checked when it is taken. */
export interface Fields {
  /** `file, line 3` or `file, annotations[3]`. */
  readonly place: string;
  has(name: string): boolean;
  /** A text that is not blank, trimmed of nothing. */
  text(name: string): string;
  integer(name: string): number;
  number(name: string): number;
  /** An id: a text or an integer, as a text. */
  id(name: string): string;
  list(name: string): readonly unknown[];
  /** A list of texts. */
  texts(name: string): string[];
  /** The fields of an object in this one. */
  object(name: string): Fields;
  /** The fields of every object of a list. */
  objects(name: string): Fields[];
  raw(name: string): unknown;
}

/**
 * Looks at a record's fields. Each getter throws a `DataError` `data/bad-record` that names the place,
 * the field, what it should be and what it is.
 */
export function fieldsOf(value: unknown, place: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw recordError('bad-record', place, 'an object', shown(value));
  }
  const record = value as Record<string, unknown>;
  const refuse = (name: string, what: string): never => {
    const own = Object.hasOwn(record, name);
    const got = own
      ? shown(record[name])
      : `none among ${Object.keys(record).join(', ') || 'none'}`;
    throw recordError('bad-record', place, `"${name}" to be ${what}`, got);
  };
  const take = <T>(name: string, what: string, is: (value: unknown) => value is T): T => {
    const field = Object.hasOwn(record, name) ? record[name] : undefined;
    return is(field) ? field : refuse(name, what);
  };
  const list = (name: string): unknown[] =>
    take(name, 'a list', (field): field is unknown[] => Array.isArray(field));
  return {
    place,
    has: (name) => Object.hasOwn(record, name) && record[name] !== null,
    raw: (name) => (Object.hasOwn(record, name) ? record[name] : undefined),
    text: (name) =>
      take(name, 'a text', (f): f is string => typeof f === 'string' && f.trim() !== ''),
    integer: (name) => take(name, 'a whole number', (f): f is number => Number.isSafeInteger(f)),
    number: (name) => take(name, 'a number', (f): f is number => Number.isFinite(f)),
    id: (name) => {
      const isId = (f: unknown): f is string | number =>
        typeof f === 'string' ? f.trim() !== '' : Number.isSafeInteger(f);
      return String(take(name, 'an id: a whole number or a text', isId));
    },
    list,
    texts: (name) => {
      const texts = list(name);
      if (!texts.every((f) => typeof f === 'string' && f.trim() !== '')) {
        refuse(name, 'a list of texts');
      }
      return texts as string[];
    },
    object: (name) => fieldsOf(record[name], `${place}.${name}`),
    objects: (name) => list(name).map((f, i) => fieldsOf(f, `${place}.${name}[${i}]`)),
  };
}

/** Refuses an id that came before: `data/duplicate-id`. */
export function uniqueIds(): (id: string, place: string) => void {
  const seen = new Map<string, string>();
  return (id, place) => {
    const before = seen.get(id);
    if (before !== undefined) {
      throw recordError(
        'duplicate-id',
        place,
        'an id that no other record has',
        `${id}, which ${before} has`,
      );
    }
    seen.set(id, place);
  };
}
