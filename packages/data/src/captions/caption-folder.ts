import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  DataError,
  type Dataset,
  ImglishError,
  type PairExample,
  type RgbImage,
  rejectUnknownKeys,
} from '@imglish/core';
import { decodeAnyImage } from '@imglish/tokenizers/node';
import { checkIndex } from '../dataset/dataset.js';
import { readTextFile } from '../texts/read-text.js';
import {
  type CaptionRecord,
  captionFileNames,
  lineError,
  parseCaptions,
} from './parse-captions.js';

export interface CaptionFolderOptions {
  /** The captions file, relative to the folder; by default the first of `captionFileNames`. */
  readonly captionsFile?: string;
  /** Turns the bytes of an image file into pixels; by default `decodeAnyImage` of the tokenizers. */
  readonly decode?: (bytes: Uint8Array) => RgbImage | Promise<RgbImage>;
}

interface Entry {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly captions: string[];
}

/**
 * Opens a folder of images with a captions file (see `parseCaptions` for its four forms).
 *
 * Lines about the same image become one example that has all their captions; examples keep the
 * order in which their images are first named, and their `id` is the path of the image within the
 * folder. Every line is checked here, before any training starts; pixels are decoded by `get`.
 *
 * @throws DataError with the number of the line: those of `parseCaptions`, `data/missing-image`,
 * `data/outside-folder` (also by way of a link), `data/duplicate-caption`; without one:
 * `data/no-captions-file`, `data/empty`. `get` throws `data/bad-image` or `data/missing-image`.
 */
export async function openCaptionFolder(
  dir: string,
  options: CaptionFolderOptions = {},
): Promise<Dataset<PairExample>> {
  rejectUnknownKeys('openCaptionFolder', options, ['captionsFile', 'decode']);
  const decode = options.decode ?? decodeAnyImage;
  const captionsFile = await findCaptionsFile(dir, options.captionsFile);
  const name = path.basename(captionsFile);
  const records = parseCaptions(await readTextFile('openCaptionFolder', captionsFile), name);
  if (records.length === 0) {
    throw new DataError({
      code: 'data/empty',
      where: 'openCaptionFolder',
      expected: `at least one captioned image in ${captionsFile}`,
      got: 'none',
    });
  }
  const entries = await collectEntries(await realpath(dir), records, name);

  return {
    size: entries.length,
    async get(index: number): Promise<PairExample> {
      checkIndex('openCaptionFolder.get', index, entries.length);
      const { id, file, line, captions } = entries[index]!;
      let bytes: Uint8Array;
      try {
        bytes = await readFile(file);
      } catch (cause) {
        throw lineError('data/missing-image', name, line, `a readable file ${id}`, 'none', {
          cause,
        });
      }
      try {
        return { id, image: await decode(bytes), captions };
      } catch (cause) {
        const { got, fix } = ImglishError.isInstance(cause) ? cause : { got: String(cause) };
        throw lineError('data/bad-image', name, line, `an image in ${id}`, got, {
          cause,
          ...(fix !== undefined && { fix }),
        });
      }
    },
  };
}

async function findCaptionsFile(dir: string, chosen: string | undefined): Promise<string> {
  const candidates = chosen === undefined ? captionFileNames : [chosen];
  for (const candidate of candidates) {
    const file = path.resolve(dir, candidate);
    if (await isFile(file)) return file;
  }
  throw new DataError({
    code: 'data/no-captions-file',
    where: 'openCaptionFolder',
    expected: `${candidates.join(' or ')} in ${dir}`,
    got: (await isFolder(dir)) ? 'a folder without it' : 'no such folder',
    ...(chosen === undefined && { fix: 'Name another one with the option captionsFile.' }),
  });
}

async function collectEntries(
  root: string,
  records: readonly CaptionRecord[],
  name: string,
): Promise<Entry[]> {
  const entries = new Map<string, Entry>();
  for (const { line, image, captions } of records) {
    const written = path.resolve(root, image);
    checkInside(root, written, image, name, line);
    const id = path.relative(root, written).split(path.sep).join('/');
    let entry = entries.get(id);
    if (!entry) {
      if (!(await isFile(written))) {
        const expected = `a file ${image} in ${root}`;
        throw lineError('data/missing-image', name, line, expected, 'none');
      }
      const file = await realpath(written);
      checkInside(root, file, image, name, line);
      entry = { id, file, line, captions: [] };
      entries.set(id, entry);
    }
    for (const caption of captions) {
      if (entry.captions.includes(caption)) {
        const expected = `each caption of ${image} once`;
        const got = `${JSON.stringify(caption)} again (first named on line ${entry.line})`;
        throw lineError('data/duplicate-caption', name, line, expected, got);
      }
      entry.captions.push(caption);
    }
  }
  return [...entries.values()];
}

function checkInside(root: string, file: string, image: string, name: string, line: number): void {
  const relative = path.relative(root, file);
  if (relative === '' || relative.split(path.sep)[0] === '..' || path.isAbsolute(relative)) {
    const expected = `an image within ${root}`;
    throw lineError('data/outside-folder', name, line, expected, image, {
      fix: 'Move the image into the folder.',
    });
  }
}

const isFile = (file: string): Promise<boolean> =>
  stat(file).then(
    (found) => found.isFile(),
    () => false,
  );

const isFolder = (dir: string): Promise<boolean> =>
  stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  );
