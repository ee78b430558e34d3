/** A small training run that a test kills and starts again: `node killable.mjs FOLDER STEPS`. */
import '@tensorflow/tfjs-backend-cpu';
import { setTimeout } from 'node:timers/promises';
import { ready } from '@tensorflow/tfjs-core';
import { parameterGroups, train, warmupCosine } from '../src/index.js';
import { openRun, stopOnSignals } from '../src/node.js';
import { regressionBatches, regressionLoss, regressionParameters } from './regression.js';

const [folder, steps] = [process.argv[2]!, Number(process.argv[3])];
await ready();
// Makes a checkpoint take long enough to be killed in the middle.
const files = { 'ballast.bin': new Uint8Array(2 ** 23) };
const run = await openRun(folder, {
  ...{ config: { steps }, seed: 5, every: 3, files },
  shardBytes: 80_000,
  keep: { last: 2, best: 1 },
});
const parameters = regressionParameters(6_000);
await train({
  parameters,
  loss: regressionLoss,
  batches: regressionBatches(),
  steps,
  schedule: warmupCosine({ base: 0.01, final: 1e-5, steps, warmupSteps: 5 }),
  groups: parameterGroups(parameters, { weightDecay: 0.05 }),
  weights: { near: 1, far: 0.5 },
  accumulate: 2,
  ema: { decay: 0.9 },
  maxGradientNorm: 5,
  run,
  signal: stopOnSignals().signal,
  onStep: async ({ step }) => {
    console.log(step);
    // Long enough for a kill to fall between two steps as well as into one.
    await setTimeout(5);
  },
});
await run.close();
