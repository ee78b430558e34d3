import { DataError } from '@imglish/core';
import { type CsvError, parse as parseCsv } from 'csv-parse/sync';

/** The captions files that `openCaptionFolder` looks for, in this order. */
export const captionFileNames: readonly string[] = [
  'captions.jsonl',
  'captions.csv',
  'captions.tsv',
  'captions.txt',
];

/** What one line of a captions file says. */
export interface CaptionRecord {
  /** 1 is the first line of the file. */
  readonly line: number;
  readonly image: string;
  readonly captions: readonly string[];
}

/**
 * Reads the text of a captions file; the ending of `name` says which form it has:
 *
 * - `.jsonl`: one object a line, `{"image": …, "caption": …}` or `{"image": …, "captions": […]}`;
 * - `.csv`, `.tsv`: a header with the columns `image` and `caption`, fields quoted as in RFC 4180;
 * - `.txt`: `image<TAB>caption`.
 *
 * Other keys and columns are passed over; so are blank lines. Captions are trimmed.
 *
 * @throws DataError `data/bad-json`, `data/bad-csv`, `data/bad-line`, `data/empty-image`,
 * `data/empty-caption` with the number of the line; `data/captions-format` for another ending.
 */
export function parseCaptions(text: string, name: string): CaptionRecord[] {
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const content = text.startsWith('\uFEFF') ? text.slice(1) : text;
  switch (ending) {
    case 'jsonl':
      return lines(content).map(({ line, content }) => fromJson(content, name, line));
    case 'csv':
      return fromTable(content, name, ',');
    case 'tsv':
      return fromTable(content, name, '\t');
    case 'txt':
      return lines(content).map(({ line, content }) => fromTabbed(content, name, line));
    default:
      throw new DataError({
        code: 'data/captions-format',
        where: 'parseCaptions',
        expected: 'a file that ends in .jsonl, .csv, .tsv or .txt',
        got: name,
      });
  }
}

/** A `DataError` about one line of a captions file. */
export function lineError(
  code: string,
  name: string,
  line: number,
  expected: string,
  got: string,
  more: { fix?: string; cause?: unknown } = {},
): DataError {
  return new DataError({ code, where: `${name}, line ${line}`, expected, got, ...more });
}

function lines(text: string): { line: number; content: string }[] {
  return text
    .split(/\r?\n/)
    .map((content, index) => ({ line: index + 1, content }))
    .filter(({ content }) => content.trim() !== '');
}

function fromJson(content: string, name: string, line: number): CaptionRecord {
  const expected = 'an object {"image": "…", "caption": "…"} or {"image": "…", "captions": ["…"]}';
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw lineError('data/bad-json', name, line, expected, quoted(content), { cause });
  }
  const { image, caption, captions } = (value ?? {}) as Record<string, unknown>;
  const all = captions ?? (caption === undefined ? undefined : [caption]);
  const isText = (entry: unknown): entry is string => typeof entry === 'string';
  const both = caption !== undefined && captions !== undefined;
  if (!isText(image) || !Array.isArray(all) || !all.every(isText) || both) {
    throw lineError('data/bad-line', name, line, expected, quoted(content));
  }
  return record(name, line, image, all);
}

function fromTabbed(content: string, name: string, line: number): CaptionRecord {
  const tab = content.indexOf('\t');
  if (tab < 0) {
    throw lineError('data/bad-line', name, line, 'image<TAB>caption', quoted(content));
  }
  return record(name, line, content.slice(0, tab), [content.slice(tab + 1)]);
}

function fromTable(content: string, name: string, delimiter: string): CaptionRecord[] {
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    rows = parseCsv(content, {
      delimiter,
      info: true,
      skip_empty_lines: true,
      relax_column_count: true,
    }) as unknown as typeof rows;
  } catch (error) {
    const { message, lines: line = 1 } = error as CsvError & { lines?: number };
    const expected = `fields separated by ${delimiter === '\t' ? 'tabs' : 'commas'}, quoted as in RFC 4180`;
    throw lineError('data/bad-csv', name, line, expected, message, { cause: error });
  }
  const header = rows[0]?.record.map((column) => column.trim()) ?? [];
  const imageColumn = header.indexOf('image');
  const captionColumn = header.indexOf('caption');
  if (imageColumn < 0 || captionColumn < 0) {
    const got = rows.length === 0 ? 'an empty file' : header.join(', ');
    throw lineError('data/bad-csv', name, 1, 'a header with the columns image and caption', got);
  }
  // A record's `info.lines` is the line on which it ends; a quoted caption may span several.
  return rows.slice(1).map(({ record: fields, info }) => {
    if (fields.length !== header.length) {
      const expected = `${header.length} fields, as in the header`;
      throw lineError('data/bad-csv', name, info.lines, expected, String(fields.length));
    }
    return record(name, info.lines, fields[imageColumn]!, [fields[captionColumn]!]);
  });
}

function record(
  name: string,
  line: number,
  image: string,
  captions: readonly string[],
): CaptionRecord {
  const trimmed = captions.map((caption) => caption.trim());
  if (image.trim() === '') {
    throw lineError('data/empty-image', name, line, 'the path of an image', 'an empty one');
  }
  if (trimmed.length === 0 || trimmed.includes('')) {
    const got = trimmed.length === 0 ? 'none' : 'an empty one';
    throw lineError('data/empty-caption', name, line, `a caption for ${image}`, got);
  }
  return { line, image: image.trim(), captions: trimmed };
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
