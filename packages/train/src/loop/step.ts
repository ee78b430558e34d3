import { add, dispose, type Scalar, stack, type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { Communicator } from '../communicator/communicator.js';
import { allReduceValues } from '../communicator/values.js';
import type { IndexedBatch } from './batches.js';
import type { Batch, Loss } from './contracts.js';
import { countsByForwardPass, lossGradients, type StreamScale } from './loss-gradients.js';
import { disposeAll, mapValues } from './state.js';
import {
  addCounts,
  assertSameCounts,
  type Measured,
  meanLosses,
  nothingToLearn,
  sumCounts,
  weightOf,
} from './streams.js';

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
export interface StepGradients extends Measured {
  gradients: Record<string, Tensor>;
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
  const local = await localGradients(inputs, await totalCounts(inputs));
  const size = batches.reduce((sum, { batch }) => sum + batch.size, 0);
  const measured = await meanLosses(communicator, weights, { ...local, samples: size });
  const gradients = await allReduceTensors(communicator, parameters, local.gradients);
  if (Object.keys(gradients).length === 0) throw nothingToLearn(loss, step, measured.counts);
  return { gradients, ...measured };
}

/** Σ over ranks of tensors that some ranks may lack; takes over `tensors`. */
async function allReduceTensors(
  communicator: Communicator,
  parameters: Readonly<Record<string, Tensor>>,
  tensors: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  if (communicator.size === 1) return tensors;
  const reduced: Record<string, Tensor> = {};
  await allReduceValues(communicator, {
    sizes: mapValues(parameters, ({ size }) => size),
    has: (name) => tensors[name] !== undefined,
    read: async (name) => (await tensors[name]!.data()) as Float32Array,
    write: async (name, values) => {
      reduced[name] = tensor(values, parameters[name]!.shape, 'float32');
    },
  })
    .catch((error) => {
      disposeAll(reduced);
      throw error;
    })
    .finally(() => disposeAll(tensors));
  return reduced;
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
  return sumCounts(communicator, weights, counts, step);
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
