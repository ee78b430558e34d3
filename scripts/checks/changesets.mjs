// A change that users notice says so in a changeset. Works without a remote: on a branch, the base is
// where it left main; elsewhere, it is the last release.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { git, isTest, workspacePackages } from './workspace.mjs';

/** @param {string} root @returns {string[]} what is wrong, one line each */
export function checkChangesets(root) {
  const base = baseOf(root);
  const changed = git(root, 'diff', '--name-only', '--no-renames', base, 'HEAD').split('\n');
  const announced = new Set(
    changed
      .filter((file) => /^\.changeset\/[^/]+\.md$/.test(file))
      .flatMap((file) => packagesIn(readText(join(root, file)))),
  );
  return workspacePackages(root)
    .filter(({ name, manifest }) => !manifest.private && !announced.has(name))
    .flatMap(({ name, folder }) => {
      const file = changed.find((path) => isNoticed(path, folder));
      return file ? [`${file} changed, and no changeset names ${name}: npm run changeset`] : [];
    });
}

/** The commit to compare with: of the branch's start, of the last release, or the empty tree. */
function baseOf(root) {
  const head = git(root, 'rev-parse', 'HEAD');
  for (const main of ['origin/main', 'main']) {
    const start = tryGit(root, 'merge-base', 'HEAD', main);
    if (start && start !== head) return start;
  }
  const release = tryGit(root, 'log', '-1', '--format=%H', '--', '*CHANGELOG.md');
  return release || git(root, 'hash-object', '-t', 'tree', '--stdin');
}

function tryGit(root, ...args) {
  try {
    return git(root, ...args);
  } catch {
    return '';
  }
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // a changeset that was deleted announces nothing
  }
}

/** The names in the front matter of a changeset. */
function packagesIn(text) {
  const header = /^---\n([\s\S]*?)\n---/.exec(text)?.[1] ?? '';
  return [...header.matchAll(/^["']?([^"':\s]+)["']?\s*:/gm)].map(([, name]) => name);
}

/** Whether users of a package notice a change of `path`: its code or what package.json promises. */
function isNoticed(path, folder) {
  if (isTest(path)) return false;
  return path.startsWith(`${folder}/src/`) || path === `${folder}/package.json`;
}
