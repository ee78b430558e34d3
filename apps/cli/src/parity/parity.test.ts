import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import { parityEngine } from './engine.js';
import { openFixtureSet } from './fixture-set.js';
import { SUITES } from './index.js';
import { createReport } from './report.js';

const GOLDEN = fileURLToPath(new URL('../../../../fixtures/golden', import.meta.url));

describe('parity with the reference', () => {
  it.each(SUITES.map((suite) => [suite.name, suite] as const))('%s', async (_, suite) => {
    const set = await openFixtureSet(GOLDEN);
    const report = createReport();
    await suite.run(set, report, parityEngine());
    expect(report.checks.length).toBeGreaterThan(0);
    expect(report.checks.filter(({ passed }) => !passed)).toEqual([]);
    const covered = set.files.filter(({ path }) => suite.covers(path));
    const checked = new Set(report.checks.map(({ file }) => file));
    expect(covered.filter(({ path }) => !checked.has(path))).toEqual([]);
  });
});
