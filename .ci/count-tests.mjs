// count-tests.mjs FOLDER SECTIONS: sums vitest's JSON reports and the last line of the parity run in
// FOLDER, and prints `N passed, M failed`. M is never below SECTIONS, the number of sections that failed:
// a failure that no test reports counts too.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder = '.', sections = '0'] = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const name of readdirSync(folder)) {
  const text = readFileSync(join(folder, name), 'utf8');
  if (name.endsWith('.json')) {
    const report = JSON.parse(text);
    passed += report.numPassedTests;
    failed += report.numFailedTests;
  } else {
    const [, passedHere = 0, failedHere = 0] = /(\d+) passed, (\d+) failed\s*$/.exec(text) ?? [];
    passed += Number(passedHere);
    failed += Number(failedHere);
  }
}
failed = Math.max(failed, Number(sections));
console.log(`${passed} passed, ${failed} failed`);
if (passed === 0 || failed > 0) process.exitCode = 1;
