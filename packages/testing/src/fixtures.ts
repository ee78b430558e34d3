import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FileTensor, readSafetensors } from './read-safetensors.js';

/** A file of a fixture directory, as `manifest.json` lists it. */
export interface FixtureFile {
  /** Relative to the directory, with `/`. */
  path: string;
  bytes: number;
  sha256: string;
}

/** A directory of reference values: `README.json` says what they are, `manifest.json` lists the files. */
export interface Fixtures {
  readonly directory: string;
  /** `README.json`: configuration, sizes, conventions. */
  readonly readme: Readonly<Record<string, unknown>>;
  readonly files: readonly FixtureFile[];
  /** The absolute path of a file; throws when the manifest does not list it. */
  path(file: string): string;
  json<T = unknown>(file: string): T;
  tensors(file: string): Record<string, FileTensor>;
}

/** Opens a fixture directory; reads its two descriptions only. */
export function openFixtures(directory: string): Fixtures {
  const readJson = (file: string): unknown =>
    JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const { files } = readJson('manifest.json') as { files: FixtureFile[] };
  const listed = new Set(files.map((file) => file.path));
  const path = (file: string): string => {
    if (!listed.has(file)) throw new Error(`${directory}: manifest.json does not list ${file}`);
    return join(directory, file);
  };
  return {
    directory,
    readme: readJson('README.json') as Record<string, unknown>,
    files,
    path,
    json: <T>(file: string) => JSON.parse(readFileSync(path(file), 'utf8')) as T,
    tensors: (file) => readSafetensors(path(file)),
  };
}
