import { TrainError } from '@imglish/core';
import { add, dispose, type Scalar, stack, type Tensor } from '@tensorflow/tfjs-core';
import type { Communicator } from '../communicator/communicator.js';
import { allReduceTensors } from '../communicator/tensors.js';
import type { IndexedBatch } from './batches.js';
import type { Batch, Loss } from './contracts.js';
import { countsByForwardPass, lossGradients, type StreamScale } from './loss-gradients.js';

export interface StepInputs<B extends Batch> {
  /** Updates done before. */
  step: number;
  /** This rank's micro-batches, and their indices in the run. */
  batches: readonly IndexedBatch<B>[];
  parameters: Readonly<Record<string, Tensor>>;
  loss: Loss<B>;
  /** Every stream there is, with its weight in the total. */
  weights: Readonly<Record<string, number>>;
  counts?: ((batch: B) => Readonly<Record<string, number>>) | undefined;
  communicator: Communicator;
}

/** The same on every rank; the caller owns the gradients. */
export interface StepGradients {
  gradients: Record<string, Tensor>;
  losses: Record<string, number>;
  counts: Record<string, number>;
  total: number;
  samples: number;
}

/**
 * Gradients of Σ_s w_s · (Σ sum_s) / (Σ count_s), sums over all micro-batches of all ranks.
 *
 * The counts are added up first, and each micro-batch is differentiated with the final divisor: the
 * division happens once, so that k micro-batches on R ranks give what one batch of all their samples
 * gives.
 */
export async function stepGradients<B extends Batch>(
  inputs: StepInputs<B>,
): Promise<StepGradients> {
  const { step, batches, parameters, loss, weights, communicator } = inputs;
  const streams = Object.keys(weights);
  const local = await localGradients(inputs, await totalCounts(inputs));
  const reduced = await communicator.allReduce([
    ...streams.map((stream) => local.sums[stream] ?? 0),
    ...streams.map((stream) => local.counts[stream] ?? 0),
    batches.reduce((sum, { batch }) => sum + batch.size, 0),
  ]);
  const gradients = await allReduceTensors(communicator, parameters, local.gradients);
  const losses: Record<string, number> = {};
  const counts: Record<string, number> = {};
  let total = 0;
  streams.forEach((stream, i) => {
    const count = reduced[streams.length + i]!;
    if (count === 0) return;
    counts[stream] = count;
    losses[stream] = reduced[i]! / count;
    if (weights[stream]! > 0) total += weights[stream]! * losses[stream];
  });
  if (Object.keys(gradients).length === 0) {
    throw new TrainError({
      code: 'train/nothing-to-learn',
      where: 'train',
      expected: 'a loss with a positive weight and count that reaches a parameter',
      got: `none in step ${step} (counts ${JSON.stringify(counts)})`,
      fix: `Losses of ${loss.name || 'the loss function'} must be computed from the parameters it is given.`,
    });
  }
  return { gradients, losses, counts, total, samples: reduced.at(-1)! };
}

interface LocalGradients {
  sums: Record<string, number>;
  counts: Record<string, number>;
  gradients: Record<string, Tensor>;
}

async function localGradients<B extends Batch>(
  { step, batches, parameters, loss, weights, counts: known }: StepInputs<B>,
  totals: Readonly<Record<string, number>> | undefined,
): Promise<LocalGradients> {
  const scale: StreamScale = (stream, count) => {
    const divisor = totals ? (totals[stream] ?? 0) : count;
    return divisor > 0 ? weightOf(weights, stream, step) / divisor : 0;
  };
  const counts: Record<string, number> = {};
  const gradients: Record<string, Tensor> = {};
  const sums: { stream: string; sum: Scalar }[] = [];
  try {
    for (const { index, batch } of batches) {
      const micro = lossGradients(loss, parameters, batch, { step, index }, scale);
      for (const [stream, sum] of Object.entries(micro.sums)) sums.push({ stream, sum });
      for (const [name, gradient] of Object.entries(micro.gradients)) {
        const before = gradients[name];
        gradients[name] = before ? add(before, gradient) : gradient;
        if (before) {
          before.dispose();
          gradient.dispose();
        }
      }
      if (known) assertSameCounts(known(batch), micro.counts, step, index);
      addCounts(counts, micro.counts);
    }
    return { sums: await readSums(sums), counts, gradients };
  } catch (error) {
    dispose(gradients);
    for (const { sum } of sums) sum.dispose();
    throw error;
  }
}

/** Counts over all micro-batches and ranks; undefined where one batch is the whole step. */
async function totalCounts<B extends Batch>({
  step,
  batches,
  parameters,
  loss,
  weights,
  counts: known,
  communicator,
}: StepInputs<B>): Promise<Record<string, number> | undefined> {
  if (batches.length === 1 && communicator.size === 1) return undefined;
  const counts: Record<string, number> = {};
  for (const { index, batch } of batches) {
    const context = { step, index };
    addCounts(counts, known?.(batch) ?? countsByForwardPass(loss, parameters, batch, context));
  }
  for (const stream of Object.keys(counts)) weightOf(weights, stream, step);
  const streams = Object.keys(weights);
  const totals = await communicator.allReduce(streams.map((stream) => counts[stream] ?? 0));
  return Object.fromEntries(streams.map((stream, i) => [stream, totals[i]!]));
}

/** Reads all sums at once: one wait for the engine. Disposes them. */
async function readSums(
  sums: readonly { stream: string; sum: Scalar }[],
): Promise<Record<string, number>> {
  const totals: Record<string, number> = {};
  if (sums.length === 0) return totals;
  const stacked = stack(sums.map(({ sum }) => sum));
  const values = await stacked.data();
  stacked.dispose();
  sums.forEach(({ stream, sum }, i) => {
    totals[stream] = (totals[stream] ?? 0) + values[i]!;
    sum.dispose();
  });
  return totals;
}

function addCounts(into: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [stream, count] of Object.entries(counts)) into[stream] = (into[stream] ?? 0) + count;
}

function weightOf(weights: Readonly<Record<string, number>>, stream: string, step: number): number {
  const weight = weights[stream];
  if (weight !== undefined) return weight;
  throw new TrainError({
    code: 'train/unknown-stream',
    where: 'train',
    expected: `one of the streams in weights: ${Object.keys(weights).join(', ')}`,
    got: `stream ${stream} in step ${step}`,
    fix: 'Give every stream of the loss a weight (0 to report it without learning from it).',
  });
}

function assertSameCounts(
  expected: Readonly<Record<string, number>>,
  counted: Readonly<Record<string, number>>,
  step: number,
  index: number,
): void {
  for (const stream of new Set([...Object.keys(expected), ...Object.keys(counted)])) {
    if ((expected[stream] ?? 0) !== (counted[stream] ?? 0)) {
      throw new TrainError({
        code: 'train/counts',
        where: 'train',
        expected: `the count that counts() announced for stream ${stream}: ${expected[stream] ?? 0}`,
        got: `${counted[stream] ?? 0} from the loss, in batch ${index} of step ${step}`,
      });
    }
  }
}
