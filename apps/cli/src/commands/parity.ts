import { ImglishError } from '@imglish/core';
import { createProgress } from '@imglish/train';
import { terminalRenderer } from '@imglish/train/node';
import type { Command } from 'commander';
import { openBackend } from '../model/backend.js';
import { type Engine, parityEngine } from '../parity/engine.js';
import { type FixtureSet, openFixtureSet } from '../parity/fixture-set.js';
import { suitesFor } from '../parity/index.js';
import { createReport, type Report } from '../parity/report.js';
import type { Suite } from '../parity/suite.js';

interface ParityOptions {
  golden: string;
  backend?: string;
  verbose?: boolean;
  json?: boolean;
}

/** `imglish parity`: every check against a directory of the reference's values. */
export function registerParity(program: Command): void {
  program
    .command('parity')
    .description('compare with the values of the reference implementation')
    .requiredOption('--golden <directory>', 'fixtures: README.json, manifest.json and their files')
    .option('--backend <name>', 'engine to compute with; by default the first that works')
    .option('--verbose', 'print every check, not only failures')
    .option('--json', 'for programs')
    .action(async (options: ParityOptions) => {
      const { backend } = await openBackend(options.backend);
      const engine = parityEngine(backend.compiler);
      const set = await openFixtureSet(options.golden);
      const say = options.json ? () => {} : (line: string) => console.log(line);
      const how = backend.compiler ? `, compiled: ${backend.compiler.description}` : '';
      say(`fixture set "${set.description.set}" on ${backend.name}${how}`);
      const report = createReport((check) => {
        if (options.verbose || !check.passed) {
          say(`${check.passed ? 'ok  ' : 'FAIL'} ${check.file}  ${check.name}  ${check.detail}`);
        }
      });
      const renderer = terminalRenderer({ json: options.json ?? false, stream: process.stderr });
      const all = suitesFor(set.kind);
      const suites = all.filter(({ covers }) => set.files.some(({ path }) => covers(path)));
      const progress = createProgress('parity', suites.length, renderer);
      for (const [i, suite] of suites.entries()) {
        const before = report.checks.length;
        await runSuite(suite, set, report, engine);
        progress.set(i + 1);
        const checks = report.checks.slice(before);
        const failed = checks.filter(({ passed }) => !passed).length;
        say(`${suite.name}: ${checks.length - failed} of ${checks.length} checks`);
      }
      progress.finish();
      const uncovered = set.files.filter(({ path }) => !all.some((s) => s.covers(path)));
      for (const { path } of uncovered) {
        report.check(path, 'is covered', false, 'not covered: no suite checks this file');
      }
      const failed = report.checks.filter(({ passed }) => !passed).length;
      const passed = report.checks.length - failed;
      if (options.json) {
        const notCovered = uncovered.map(({ path }) => path);
        console.log(JSON.stringify({ passed, failed, notCovered, checks: report.checks }));
      } else {
        console.log(`${passed} passed, ${failed} failed`);
      }
      process.exitCode = failed > 0 ? 1 : 0;
    });
}

/** A suite that cannot go on is a failure of its own; the others still run. */
async function runSuite(
  suite: Suite,
  set: FixtureSet,
  report: Report,
  engine: Engine,
): Promise<void> {
  try {
    await suite.run(set, report, engine);
  } catch (error) {
    if (!ImglishError.isInstance(error)) throw error;
    report.check(suite.name, 'runs to its end', false, `${error.message} [${error.code}]`);
  }
}
