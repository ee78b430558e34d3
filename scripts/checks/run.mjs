// `npm run check`: what holds for the repository as a whole and no compiler looks at.
import { fileURLToPath } from 'node:url';
import { checkChangesets } from './changesets.mjs';
import { checkFileLength } from './file-length.mjs';
import { checkImports } from './imports.mjs';
import { checkPackages } from './packages.mjs';
import { checkWords } from './words.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const checks = {
  imports: checkImports,
  packages: checkPackages,
  'file length': checkFileLength,
  words: checkWords,
  changesets: checkChangesets,
};

for (const [name, check] of Object.entries(checks)) {
  const problems = check(root);
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  for (const problem of problems) console.log(`       ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}
