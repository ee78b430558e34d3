import { type DataFiles, joinPath } from './files.js';
import { recordError } from './record-error.js';

const ENDINGS = ['.jpg', '.jpeg', '.png', '.webp', '.bmp', '.ppm', '.tif', '.tiff', '.pgm', '.gif'];

/** Whether a name ends like that of a picture (torchvision's list, and GIF). */
export function isPictureName(name: string): boolean {
  const lower = name.toLowerCase();
  return ENDINGS.some((ending) => lower.endsWith(ending));
}

/** Which pictures there are; each folder is listed once. */
export interface Pictures {
  /**
   * The path again, if there is such a file; else throws a `DataError` `data/missing-image`, or
   * `data/outside-folder` for a path that leads out of the data set.
   */
  require(path: string, place: string): Promise<string>;
  /** The picture whose name ends in the number `id`, as `COCO_train2014_000000000042.jpg` does. */
  numbered(folder: string, id: number, place: string): Promise<string>;
}

export function picturesOf(files: DataFiles): Pictures {
  const folders = new Map<string, Promise<ReadonlySet<string> | undefined>>();
  const numbers = new Map<string, Promise<ReadonlyMap<number, string> | undefined>>();
  const names = (folder: string) => {
    let known = folders.get(folder);
    if (!known) {
      known = files.list(folder).then((list) => list && new Set(list));
      folders.set(folder, known);
    }
    return known;
  };
  const numbered = (folder: string) => {
    let known = numbers.get(folder);
    if (!known) {
      known = names(folder).then((list) => list && new Map(byNumber(list)));
      numbers.set(folder, known);
    }
    return known;
  };
  const missing = (file: string, folder: string, exists: boolean, place: string): never => {
    const got = exists ? 'none' : `no folder ${folder}`;
    throw recordError('missing-image', place, `a picture ${file} in ${files.name}`, got, {
      fix: 'Fetch the pictures again, or take the record out.',
    });
  };
  return {
    async require(path, place) {
      const parts = path.split('/').filter((part) => part !== '.' && part !== '');
      if (path.startsWith('/') || path.includes('\\') || parts.includes('..')) {
        const expected = `a path within ${files.name}`;
        throw recordError('outside-folder', place, expected, path, {
          fix: 'Move the picture into the folder, and write / between names.',
        });
      }
      const folder = joinPath(...parts.slice(0, -1));
      const list = await names(folder);
      if (!list?.has(parts.at(-1) ?? '')) missing(path, folder, list !== undefined, place);
      return joinPath(...parts);
    },
    async numbered(folder, id, place) {
      const list = await numbered(folder);
      const name = list?.get(id);
      if (name === undefined) {
        return missing(`${folder}/…${id}.jpg`, folder, list !== undefined, place);
      }
      return joinPath(folder, name);
    },
  };
}

function* byNumber(names: Iterable<string>): Generator<[number, string]> {
  for (const name of names) {
    const digits = /(\d+)\.\w+$/.exec(name)?.[1];
    if (digits !== undefined && isPictureName(name)) yield [Number(digits), name];
  }
}
