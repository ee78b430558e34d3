import { modelConfig } from '@imglish/core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { gallery, galleryText } from './gallery.js';
import { inference } from './inference.js';
import { precisions } from './precisions.js';
import type { Report } from './report.js';
import { reportText } from './report.js';
import { trainStep } from './train-step.js';

const OPTIONS = { rounds: 1, turnSeconds: 0.001 };
/** One size for all: 64 patches, as the benchmark of a training step masks 26 of them. */
const config = modelConfig({
  imageSize: [16, 16],
  patchSize: 2,
  vocabularySize: 40,
  dim: 16,
  heads: 2,
  ffnDim: 32,
  layers: 2,
});

beforeAll(() => vi.stubEnv('IMGLISH_PYTHON', '/no/such/python'));
afterAll(() => vi.unstubAllEnvs());

function check(report: Report, peers: string[]): void {
  for (const { standings, absences, differences } of report.cases) {
    expect(standings.map(({ side }) => side)).toEqual(expect.arrayContaining(peers));
    expect(standings.every(({ seconds, faster }) => seconds > 0 && faster > 0)).toBe(true);
    expect(absences.some(({ reason }) => reason.includes('/no/such/python'))).toBe(true);
    for (const difference of Object.values(differences)) expect(difference).toBeLessThan(1e-4);
  }
  expect(reportText(report)).toContain('PyTorch: not run: /no/such/python');
}

it('inference runs without Python; both ways of ours agree', async () => {
  const report = await inference(OPTIONS, config);
  expect(report.cases.length).toBe(4);
  check(report, ['imglish, compiled', 'limit: the matrix products alone']);
  const alone = report.cases.filter(({ samples }) => samples === 1);
  expect(alone.map(({ differences }) => Object.keys(differences))).toEqual([
    ['tfjs-wasm, op by op'],
    ['tfjs-wasm, op by op'],
  ]);
});

it('gallery is searched as a scan of all would', async () => {
  const report = await gallery(undefined, { entries: 400, width: 16, searches: 20 });
  expect(report.recall).toBeGreaterThan(0.95);
  expect(galleryText(report)).toContain('400 embeddings of width 16');
});

it('precisions: int8 is near float32', async () => {
  const { cases } = await precisions(OPTIONS, config);
  expect(cases[0]!.standings.map(({ side }) => side)).toEqual(['int8', 'float32']);
  expect(cases[0]!.differences.float32).toBeLessThan(0.01);
});

it('train-step runs without Python; both ways of ours agree', async () => {
  const report = await trainStep(OPTIONS, config);
  check(report, ['imglish, compiled', 'tfjs-wasm, op by op', 'limit: the matrix products alone']);
  expect(Object.keys(report.cases[0]!.differences)).toEqual(['tfjs-wasm, op by op']);
});
