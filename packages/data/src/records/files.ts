/**
 * The files of a data set, wherever they are: `fileRoot` of `@imglish/data/node` reads a folder.
 * Paths are relative, with `/` between names.
 */
export interface DataFiles {
  /** For messages: a folder or an address. */
  readonly name: string;
  /**
   * Names in a folder, in the order of their code points, those of folders ending in `/`;
   * undefined where there is no such folder.
   */
  list(folder: string): Promise<readonly string[] | undefined>;
  /** The bytes of a file in pieces; throws an `IoError` where it cannot be read. */
  read(file: string): AsyncIterable<Uint8Array>;
  /** A text that changes whenever the file or folder does; undefined where there is none. */
  stamp(path: string): Promise<string | undefined>;
}

/** Whether there is a file `path`. */
export async function hasFile(files: DataFiles, path: string): Promise<boolean> {
  const slash = path.lastIndexOf('/');
  return (
    (await files.list(path.slice(0, Math.max(0, slash))))?.includes(path.slice(slash + 1)) ?? false
  );
}

/** Joins names to a path, leaving out empty ones. */
export function joinPath(...names: readonly string[]): string {
  return names.filter((name) => name !== '').join('/');
}

/** Orders texts by code points, as Python does, so that classes get the same numbers. */
export function byCodePoint(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
