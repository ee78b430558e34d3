import { type CsvError, parse as parseCsv } from 'csv-parse/sync';
import { type DataFiles, hasFile, joinPath } from '../records/files.js';
import { type OnProblem, recordError } from '../records/record-error.js';
import { jsonLines, type Placed, textLines } from '../records/text-lines.js';

const NAMES = ['metadata.jsonl', 'metadata.csv'];

/** The metadata file of a folder, if it has one. */
export async function metadataFile(files: DataFiles, folder: string): Promise<string | undefined> {
  const found: string[] = [];
  for (const name of NAMES) {
    const file = joinPath(folder, name);
    if (await hasFile(files, file)) found.push(file);
  }
  if (found.length > 1) {
    throw recordError(
      'ambiguous',
      joinPath(files.name, folder),
      'one metadata file',
      found.join(' and '),
      {
        fix: 'Remove one of them.',
      },
    );
  }
  return found[0];
}

/**
 * The rows of a metadata file as objects: of `.jsonl` as they are, of `.csv` with a header whose empty
 * fields are left out. Problems: `data/bad-json`, `data/bad-csv` (thrown where the quotes do not
 * close); throws `data/not-utf8`.
 */
export async function* metadataRows(
  files: DataFiles,
  file: string,
  onProblem: OnProblem,
): AsyncGenerator<Placed> {
  if (file.endsWith('.jsonl')) {
    yield* jsonLines(files.read(file), file, onProblem);
    return;
  }
  // Blank lines are kept out by the reader of lines; within quotes they are part of a field.
  let text = '';
  let line = 1;
  for await (const next of textLines(files.read(file), file)) {
    text += '\n'.repeat(next.line - line) + next.text;
    line = next.line;
  }
  yield* csvRows(text, file, onProblem);
}

function* csvRows(text: string, file: string, onProblem: OnProblem): Generator<Placed> {
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    rows = parseCsv(text, {
      info: true,
      skip_empty_lines: true,
      relax_column_count: true,
    }) as unknown as typeof rows;
  } catch (cause) {
    const { message, lines = 1 } = cause as CsvError & { lines?: number };
    const expected = 'fields separated by commas, quoted as in RFC 4180';
    throw recordError('bad-csv', `${file}, line ${lines}`, expected, message, { cause });
  }
  const header = rows[0]?.record.map((name) => name.trim()) ?? [];
  for (const { record, info } of rows.slice(1)) {
    const place = `${file}, line ${info.lines}`;
    if (record.length !== header.length) {
      const expected = `${header.length} fields, as in the header`;
      onProblem(recordError('bad-csv', place, expected, String(record.length)));
      continue;
    }
    const filled = header.flatMap((name, i) => (record[i] === '' ? [] : [[name, record[i]]]));
    yield { value: Object.fromEntries(filled), place };
  }
}
