import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-cpu';
import { auto } from '@imglish/backend-auto/node';
import type { Backend } from '@imglish/core';
import { memory, setBackend } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, parityEngine } from './engine.js';
import { openFixtureSet } from './fixture-set.js';
import { SUITES } from './index.js';
import { createReport } from './report.js';
import type { Suite } from './suite.js';

const GOLDEN = fileURLToPath(new URL('../../../../fixtures/golden', import.meta.url));
const suites = SUITES.map((suite) => [suite.name, suite] as const);

/** Every file that the suite covers is checked, and every check passes; how many there were. */
async function passes(suite: Suite, engine: Engine): Promise<number> {
  const set = await openFixtureSet(GOLDEN);
  const report = createReport();
  const { numTensors } = memory();
  await suite.run(set, report, engine);
  expect(report.checks.length).toBeGreaterThan(0);
  expect(report.checks.filter(({ passed }) => !passed)).toEqual([]);
  const covered = set.files.filter(({ path }) => suite.covers(path));
  const checked = new Set(report.checks.map(({ file }) => file));
  expect(covered.filter(({ path }) => !checked.has(path))).toEqual([]);
  expect(memory().numTensors).toBe(numTensors);
  return report.checks.length;
}

const checks: Record<string, number> = {};

describe('parity with the reference, op by op', () => {
  beforeAll(async () => {
    await setBackend('cpu');
  });
  it.each(suites)('%s', async (name, suite) => {
    checks[name] = await passes(suite, parityEngine());
  });
});

describe('parity with the reference, compiled', () => {
  let backend: Backend;
  beforeAll(async () => {
    ({ backend } = await auto({ backend: 'onnx' }));
  });
  afterAll(() => backend.dispose());

  it.each(suites)('%s, as many checks', async (name, suite) => {
    expect(await passes(suite, parityEngine(backend.compiler))).toBe(checks[name]);
  });
});
