/** A small training run over all ranks that a test kills and starts again: `node killable.mjs FOLDER STEPS`. */
import '@tensorflow/tfjs-backend-cpu';
import { setTimeout } from 'node:timers/promises';
import { draw, type Parameters } from '@imglish/core';
import { type BatchSource, type Loss, parameterGroups, train, warmupCosine } from '@imglish/train';
import { openRun } from '@imglish/train/node';
import {
  add,
  matMul,
  ready,
  relu,
  type Scalar,
  square,
  sub,
  sum,
  type Tensor2D,
  tensor1d,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { openMpi } from '../src/node.js';

interface Points {
  size: number;
  x: Tensor2D;
  y: Tensor2D;
}

const HIDDEN = 64;

const batches: BatchSource<Points> = async (index) => {
  const random = draw(7, 'points', index);
  const rows = Array.from({ length: 4 }, () => [random.normal(), random.normal()]);
  const y = rows.map(([a, b]) => [Math.sin(a!) - 2 * b!]);
  return { size: rows.length, x: tensor2d(rows), y: tensor2d(y) };
};

const loss: Loss<Points> = (p, { size, x, y }) => {
  const hidden = relu(add(matMul(x, p['in.weight']!), p['in.bias']!));
  const error = sub(matMul(hidden, p['out.weight']!), y);
  return { points: { sum: sum(square(error)) as Scalar, count: size } };
};

function initialParameters(seed: number): Parameters {
  const random = draw(seed, 'weights');
  const normals = (n: number) => Float32Array.from({ length: n }, () => random.normal());
  return {
    'in.weight': tensor2d(normals(2 * HIDDEN), [2, HIDDEN]),
    'in.bias': tensor1d(normals(HIDDEN)),
    'out.weight': tensor2d(normals(HIDDEN), [HIDDEN, 1]),
  };
}

const [folder, steps] = [process.argv[2]!, Number(process.argv[3])];
await ready();
const communicator = await openMpi({ bufferBytes: 512 });
const first = communicator.rank === 0;
const run = first ? await openRun(folder, { config: { steps }, seed: 5, every: 3 }) : undefined;
// What others than rank 0 begin with does not matter.
const parameters = initialParameters(communicator.rank);
await train({
  parameters,
  loss,
  batches,
  counts: ({ size }) => ({ points: size }),
  steps,
  schedule: warmupCosine({ base: 0.01, final: 1e-5, steps, warmupSteps: 5 }),
  groups: parameterGroups(parameters, { weightDecay: 0.05 }),
  weights: { points: 1 },
  communicator,
  compareRanksEvery: 10,
  ...(run ? { run } : {}),
  onStep: async ({ step }) => {
    if (first) console.log(`step ${step}`);
    // Long enough for a kill to fall between two steps as well as into one.
    await setTimeout(5);
  },
});
await run?.close();
await communicator.close();
