import type { VisualReasoningExample } from '@imglish/core';
import type { DataFormat } from '../formats/format.js';
import { fieldsOf, uniqueIds } from '../records/fields.js';
import { type DataFiles, joinPath } from '../records/files.js';
import { picturesOf } from '../records/pictures.js';
import { checked, recordError, shown } from '../records/record-error.js';
import { rankOf } from '../records/subsets.js';
import { jsonLines } from '../records/text-lines.js';

export interface Statement {
  readonly id: string;
  readonly images: readonly [left: string, right: string];
  readonly statement: string;
  readonly label?: boolean;
}

/** Where the files of the statements are looked for: by themselves, or in a clone of their repository. */
const FOLDERS = ['data', 'nlvr/nlvr2/data', 'nlvr2/data'];
/** The files call the splits otherwise. */
const NAMES: Readonly<Record<string, string>> = { dev: 'val', test1: 'test' };

/**
 * NLVR2: `ROOT/data/{train,dev,test1}.json` (or `ROOT/nlvr/nlvr2/data/…`), one JSON object a line,
 * pictures in `ROOT/images/train/<directory>`, `ROOT/dev`, `ROOT/test1`.
 *
 * Splits: `train`, `val` (dev), `test` (test1), and what other files there are by their names.
 * Problems: `data/bad-json`, `data/bad-record`, `data/duplicate-id`, `data/missing-image`.
 */
export const nlvr2: DataFormat<Statement, VisualReasoningExample> = {
  name: 'nlvr2',
  description: 'NLVR2: statements about two pictures',
  tasks: ['visual-reasoning'],

  isIn: async (files) => (await namesIn(files)).names.length > 0,

  async splits(files) {
    const found = (await namesIn(files)).names.map((name) => NAMES[name] ?? name);
    return found.sort((a, b) => rankOf(a) - rankOf(b));
  },

  async sources({ files, split }) {
    const { file, name } = await fileOf(files, split);
    return [file, await folderOf(files, name)];
  },

  async *records({ files, split }, onProblem) {
    const { file, name } = await fileOf(files, split);
    const folder = await folderOf(files, name);
    const pictures = picturesOf(files);
    const unique = uniqueIds();
    yield* checked(
      jsonLines(files.read(file), file, onProblem),
      async ({ value, place }) => {
        const fields = fieldsOf(value, place);
        const id = fields.text('identifier');
        unique(id, place);
        const inner = fields.has('directory') ? fields.id('directory') : '';
        const stem = joinPath(folder, inner, id.split('-').slice(0, -1).join('-'));
        const statement = fields.text('sentence');
        const label = labelOf(fields.raw('label'), place);
        return {
          id,
          images: [
            await pictures.require(`${stem}-img0.png`, place),
            await pictures.require(`${stem}-img1.png`, place),
          ] as const,
          statement,
          ...(label !== undefined && { label }),
        };
      },
      onProblem,
    );
  },

  async example({ id, images: [left, right], statement, label }, reader) {
    const place = `statement ${id}`;
    return {
      id,
      images: [await reader.image(left, place), await reader.image(right, place)],
      statement,
      ...(label !== undefined && { label }),
    };
  },

  count: ({ label }) => ({ true: Number(label === true), false: Number(label === false) }),
};

/** "True" and "False" in the official files. */
function labelOf(value: unknown, place: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  if (value === 'True') return true;
  if (value === 'False') return false;
  throw recordError('bad-record', place, '"label" to be "True" or "False"', shown(value));
}

async function namesIn(files: DataFiles): Promise<{ folder: string; names: string[] }> {
  for (const folder of FOLDERS) {
    const list = (await files.list(folder)) ?? [];
    const names = list.flatMap((file) => /^([^.].*)\.json$/.exec(file)?.[1] ?? []);
    const isOne = names.some((name) => name === 'train' || name === 'dev' || name === 'test1');
    if (isOne) return { folder, names };
  }
  return { folder: FOLDERS[0]!, names: [] };
}

async function fileOf(files: DataFiles, split: string): Promise<{ file: string; name: string }> {
  const { folder, names } = await namesIn(files);
  const name = names.find((n) => n === split || NAMES[n] === split);
  if (name !== undefined) return { file: joinPath(folder, `${name}.json`), name };
  throw recordError(
    'no-split',
    files.name,
    `statements of the split ${split}`,
    names.join(', ') || 'none',
  );
}

async function folderOf(files: DataFiles, name: string): Promise<string> {
  const inImages = joinPath('images', name);
  return (await files.list(inImages)) ? inImages : name;
}
