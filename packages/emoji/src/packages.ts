import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { IoError } from '@imglish/core';
import { buildCatalogue, type EmojiConcept } from './catalogue/catalogue.js';

const require: NodeJS.Require = createRequire(import.meta.url);

/** The path of a file of an installed package; throws an `IoError` (`io/package`). */
export function packageFile(name: string): string {
  try {
    return require.resolve(name);
  } catch (cause) {
    throw new IoError({
      code: 'io/package',
      where: 'packageFile',
      expected: `${name} to be installed`,
      got: 'no such file',
      fix: 'It comes with @imglish/emoji: install again.',
      cause,
    });
  }
}

/** A JSON file of an installed package. */
export async function packageJson<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(packageFile(name), 'utf8')) as T;
}

/** The version of an installed package that has `file`, a path that the package exports. */
export async function packageVersion(name: string, file: string): Promise<string> {
  const within = packageFile(`${name}/${file}`);
  const root = within.slice(0, -path.normalize(file).length);
  return (
    JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string }
  ).version;
}

/** The catalogue of the installed emojibase. */
export async function loadCatalogue(): Promise<EmojiConcept[]> {
  const [en, zh, groups] = await Promise.all([
    packageJson<Parameters<typeof buildCatalogue>[0]['en']>('emojibase-data/en/data.json'),
    packageJson<Parameters<typeof buildCatalogue>[0]['zh']>('emojibase-data/zh/data.json'),
    packageJson<Parameters<typeof buildCatalogue>[0]['groups']>('emojibase-data/meta/groups.json'),
  ]);
  return buildCatalogue({ en, zh, groups });
}
