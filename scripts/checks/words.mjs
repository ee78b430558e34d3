// What belongs to one machine does not belong into the repository.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { git } from './workspace.mjs';

/** `[T]oken` is `Token`, written so that this file passes its own check. */
const FORBIDDEN = [
  {
    what: 'a path of one machine',
    pattern: /(?<![\w./:@-])\/(?:home|root|Users|work|workspace)\/\w/,
  },
  { what: 'a path of one machine', pattern: /\b[A-Z]:\\Users\\/ },
  {
    what: 'the host of a registry',
    pattern: /https?:\/\/[\w.-]*(?:registry|npmjs|pypi|artifactory|nexus)\b[\w.-]*\.\w+/,
  },
  {
    what: 'a package served from this machine',
    pattern: /https?:\/\/(?:localhost|127\.0\.0\.1)[:\d]*\/[^\s'"`]*\.tgz/,
  },
  { what: 'a registry of its own in an .npmrc', pattern: /^\s*(?:@\w+:)?registry\s*=/m },
  { what: 'a token', pattern: /_auth[T]oken|\bnpm_[A-Za-z0-9]{36}\b|\bghp_[A-Za-z0-9]{36}\b/ },
  { what: 'a mark of an unfinished merge', pattern: /^(?:<{7}|>{7}) /m },
  { what: 'a note to be done later', pattern: /\b(?:TO[D]O|FIX[M]E)\b/ },
];

const TEXT = /\.(ts|tsx|mjs|js|json|md|ya?ml|html|css|txt|sh)$|(^|\/)(\.npmrc|\.gitignore|run)$/;

/** @param {string} root @returns {string[]} what is wrong, one line each */
export function checkWords(root) {
  const files = git(root, 'ls-files', '--cached', '--others', '--exclude-standard').split('\n');
  return files
    .filter((file) => TEXT.test(file) && !file.startsWith('fixtures/'))
    .flatMap((file) => problemsIn(file, readText(join(root, file))));
}

/** A file that was deleted and not yet committed is still listed. */
function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function problemsIn(file, text) {
  return FORBIDDEN.flatMap(({ what, pattern }) => {
    const match = pattern.exec(text);
    if (!match) return [];
    const line = text.slice(0, match.index).split('\n').length;
    return [`${file}:${line}: ${what}: ${match[0].trim()}`];
  });
}
