import { type DType, isDType } from './dtype.js';
import { quote, refuse } from './refuse.js';
import { MAX_RANK, MAX_TENSORS, tensorBytes } from './tensor-file.js';

/** One tensor of a safetensors header; offsets count from the end of the header. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Longest header that is read, the limit of the format's own library. */
export const MAX_HEADER_BYTES = 100_000_000;

const WHERE = 'openSafetensors';

/**
 * Parses and checks the JSON header of a safetensors file.
 *
 * The scanner knows the one structure that a header may have and stops at the first character
 * outside it, so nothing that a hostile file says (nesting, long arrays, repeated keys) is built.
 * Tensors must cover the `dataBytes` bytes exactly: no overlap, no hole, nothing left over.
 */
export function parseHeader(json: string, dataBytes: number): Header {
  const scan = scanner(json);
  const entries: HeaderEntry[] = [];
  let metadata: Record<string, string> | undefined;
  const names = new Set<string>();
  scan.object((name) => {
    if (names.has(name)) invalid(`the key ${quote(name)} twice`);
    if (names.size > MAX_TENSORS) invalid(`more than ${MAX_TENSORS} tensors`);
    names.add(name);
    if (name === '__metadata__') metadata = parseMetadata(scan);
    else entries.push(parseEntry(scan, name));
  });
  scan.end();
  checkCoverage(entries, dataBytes);
  return { entries, metadata: metadata ?? {} };
}

function parseMetadata(scan: Scanner): Record<string, string> {
  const pairs = new Map<string, string>();
  scan.object((key) => {
    if (pairs.has(key)) invalid(`the metadata key ${quote(key)} twice`);
    if (pairs.size >= MAX_TENSORS) invalid(`more than ${MAX_TENSORS} metadata entries`);
    pairs.set(key, scan.string());
  });
  return Object.fromEntries(pairs);
}

function parseEntry(scan: Scanner, name: string): HeaderEntry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scan.object((key) => {
    if (key === 'dtype' && dtype === undefined) dtype = scan.string();
    else if (key === 'shape' && !shape) shape = scan.integers(MAX_RANK);
    else if (key === 'data_offsets' && !offsets) offsets = scan.integers(2);
    else invalid(`the key ${quote(key)} in tensor ${quote(name)}`);
  });
  const [begin, end] = offsets ?? [];
  if (dtype === undefined || !shape || begin === undefined || end === undefined) {
    return invalid(`tensor ${quote(name)} without dtype, shape and two data_offsets`);
  }
  if (!isDType(dtype)) {
    return refuse(
      'dtype',
      WHERE,
      'a dtype of F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL',
      `${quote(dtype)} for tensor ${quote(name)}`,
      'Save the file with one of these dtypes.',
    );
  }
  const bytes = tensorBytes(WHERE, { name: quote(name), dtype, shape });
  if (end - begin !== bytes) {
    invalid(
      `tensor ${quote(name)} ${dtype} [${shape.join(', ')}] of ${bytes} bytes at data_offsets [${begin}, ${end}]`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function checkCoverage(entries: readonly HeaderEntry[], dataBytes: number): void {
  const inOrder = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of inOrder) {
    if (begin !== at) {
      refuse(
        'offsets',
        WHERE,
        `tensors one after the other, the next at ${at}`,
        `tensor ${quote(name)} at ${begin} (${begin < at ? 'an overlap' : 'a hole'})`,
        'The file is damaged.',
      );
    }
    at = end;
  }
  if (at !== dataBytes) {
    refuse(
      'size',
      WHERE,
      `${at} bytes of tensors, as the header says`,
      `${dataBytes} bytes`,
      at > dataBytes ? 'The file is truncated.' : 'The file has bytes that belong to no tensor.',
    );
  }
}

interface Scanner {
  /** Reads an object; `member` is called at each value and must read it. */
  object(member: (key: string) => void): void;
  string(): string;
  /** An array of at most `most` non-negative safe integers. */
  integers(most: number): number[];
  /** Only white space may be left. */
  end(): void;
}

function scanner(json: string): Scanner {
  let at = 0;
  const skip = (): void => {
    for (;;) {
      const c = json.charCodeAt(at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      at++;
    }
  };
  const peek = (c: string): boolean => {
    skip();
    return json[at] === c;
  };
  const take = (c: string): void => {
    if (!peek(c)) invalid(at < json.length ? `${quote(json[at]!)} at ${at}` : 'an early end', c);
    at++;
  };
  const string = (): string => {
    take('"');
    const start = at - 1;
    while (json[at] !== '"') {
      if (at >= json.length) invalid('a string without an end');
      at += json[at] === '\\' ? 2 : 1;
    }
    at++;
    try {
      return JSON.parse(json.slice(start, at));
    } catch {
      return invalid(`the string ${quote(json.slice(start, at))}`);
    }
  };
  const integer = (): number => {
    skip();
    const start = at;
    while (json[at]! >= '0' && json[at]! <= '9') at++;
    const digits = json.slice(start, Math.min(at, start + 20));
    const value = Number(digits);
    if (!/^(0|[1-9]\d*)$/.test(digits) || !Number.isSafeInteger(value)) {
      invalid(`${quote(json.slice(start, start + 20))} at ${start}`, 'a whole number');
    }
    return value;
  };
  return {
    string,
    object(member: (key: string) => void): void {
      take('{');
      if (!peek('}')) {
        for (;;) {
          const key = string();
          take(':');
          member(key);
          if (!peek(',')) break;
          take(',');
        }
      }
      take('}');
    },
    integers(most: number): number[] {
      const values: number[] = [];
      take('[');
      if (!peek(']')) {
        for (;;) {
          values.push(integer());
          if (values.length > most) invalid(`more than ${most} numbers at ${at}`);
          if (!peek(',')) break;
          take(',');
        }
      }
      take(']');
      return values;
    },
    end(): void {
      skip();
      if (at < json.length) invalid(`${quote(json[at]!)} at ${at}`, 'the end');
    },
  };
}

function invalid(got: string, expected = 'a safetensors header'): never {
  return refuse('header', WHERE, expected, got, 'The file is damaged or not a safetensors file.');
}
