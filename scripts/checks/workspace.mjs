import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders whose children are workspace packages, as pnpm-workspace.yaml lists them. */
const PARENTS = ['packages', 'packages/backends', 'apps', '.'];

/**
 * @typedef {object} Package
 * @property {string} name
 * @property {string} folder relative to the root
 * @property {Record<string, any>} manifest its package.json
 */

/** @param {string} root @returns {Package[]} every workspace package but the root itself */
export function workspacePackages(root) {
  return PARENTS.filter((parent) => existsSync(join(root, parent)))
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(parent, name)))
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
      return { name: manifest.name, folder, manifest };
    });
}

/** Files below `folder` (relative to the root) that satisfy `wanted`; what is built or installed is not looked at. */
export function filesBelow(root, folder, wanted) {
  const skipped = new Set(['node_modules', 'dist', 'generated', '.turbo', 'runs']);
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesBelow(root, path, wanted);
    return wanted(path) ? [path] : [];
  });
}

export const isTest = (path) => /\.(test|test-d)\.ts$|(^|\/)test\//.test(path);

/** Output of git at `root`, without the last line break. */
export function git(root, ...args) {
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
  }).trimEnd();
}
