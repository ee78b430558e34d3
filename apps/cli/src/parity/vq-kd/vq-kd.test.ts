import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-cpu';
import { auto } from '@imglish/backend-auto/node';
import type { Backend } from '@imglish/core';
import { memory, setBackend } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, parityEngine } from '../engine.js';
import { openFixtureSet } from '../fixture-set.js';
import { suitesFor } from '../index.js';
import { createReport } from '../report.js';
import type { Suite } from '../suite.js';

const GOLDEN = fileURLToPath(new URL('../../../../../fixtures/golden-vqkd', import.meta.url));
const set = await openFixtureSet(GOLDEN);
const suites = suitesFor(set.kind).map((suite) => [suite.name, suite] as const);
const checks: Record<string, number> = {};

/** Every file that the suite covers is checked, and every check passes; how many there were. */
async function passes(suite: Suite, engine: Engine): Promise<number> {
  const report = createReport();
  const { numTensors } = memory();
  await suite.run(set, report, engine);
  expect(report.checks.filter(({ passed }) => !passed)).toEqual([]);
  const checked = new Set(report.checks.map(({ file }) => file));
  const covered = set.files.filter(({ path }) => suite.covers(path));
  expect(covered.filter(({ path }) => !checked.has(path))).toEqual([]);
  expect(memory().numTensors).toBe(numTensors);
  return report.checks.length;
}

it('covers every file', () => {
  const uncovered = set.files.filter(({ path }) => !suites.some(([, suite]) => suite.covers(path)));
  expect(uncovered).toEqual([]);
});

describe('VQ-KD is the reference, op by op', () => {
  beforeAll(async () => {
    await setBackend('cpu');
  });
  it.each(suites)('%s', async (name, suite) => {
    checks[name] = await passes(suite, parityEngine());
    expect(checks[name]).toBeGreaterThan(0);
  });
});

describe('VQ-KD is the reference, compiled', () => {
  let backend: Backend | undefined;
  beforeAll(async () => {
    ({ backend } = await auto({ backend: 'onnx' }));
  }, 120_000);
  afterAll(() => backend?.dispose());
  it.each(suites)('%s, as many checks', async (name, suite) => {
    expect(await passes(suite, parityEngine(backend!.compiler))).toBe(checks[name]);
  });
});
