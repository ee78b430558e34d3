// One concept a file: above 400 lines it is two.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow } from './workspace.mjs';

export const LIMIT = 400;

/** File → why it is one concept all the same. */
const LONGER = {};

/** @param {string} root @returns {string[]} what is wrong, one line each */
export function checkFileLength(root) {
  const source = (path) => /\.(ts|tsx|mjs|js)$/.test(path);
  const folders = ['packages', 'apps', 'benchmarks', 'scripts', 'tests'];
  const long = folders
    .flatMap((folder) => filesBelow(root, folder, source))
    .map((file) => ({ file, lines: lineCount(readFileSync(join(root, file), 'utf8')) }))
    .filter(({ lines }) => lines > LIMIT);
  const unlisted = long.filter(({ file }) => !(file in LONGER));
  const outdated = Object.keys(LONGER).filter((file) => !long.some((found) => found.file === file));
  return [
    ...unlisted.map(({ file, lines }) => `${file}: ${lines} lines, more than ${LIMIT}`),
    ...outdated.map((file) => `${file}: listed as longer than ${LIMIT} lines, and is not`),
  ];
}

function lineCount(text) {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}
