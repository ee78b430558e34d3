import { TrainError } from '@imglish/core';
import type { Communicator } from '../communicator/communicator.js';
import type { StepMetrics } from './contracts.js';

type Numbers = Readonly<Record<string, number>>;

/** What a step's losses were; the same on every rank. */
export type Measured = Pick<StepMetrics, 'losses' | 'counts' | 'total' | 'samples'>;

/** Mean losses over all ranks, of this rank's sums, counts and samples. */
export async function meanLosses(
  communicator: Communicator,
  weights: Numbers,
  local: { sums: Numbers; counts: Numbers; samples: number },
): Promise<Measured> {
  const streams = Object.keys(weights);
  const reduced = await communicator.allReduce([
    ...streams.map((stream) => local.sums[stream] ?? 0),
    ...streams.map((stream) => local.counts[stream] ?? 0),
    local.samples,
  ]);
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
  return { losses, counts, total, samples: reduced.at(-1)! };
}

/** Σ over ranks of the counts of known streams. */
export async function sumCounts(
  communicator: Communicator,
  weights: Numbers,
  counts: Numbers,
  step: number,
): Promise<Record<string, number>> {
  for (const stream of Object.keys(counts)) weightOf(weights, stream, step);
  const streams = Object.keys(weights);
  const totals = await communicator.allReduce(streams.map((stream) => counts[stream] ?? 0));
  return Object.fromEntries(streams.map((stream, i) => [stream, totals[i]!]));
}

export function addCounts(into: Record<string, number>, counts: Numbers): void {
  for (const [stream, count] of Object.entries(counts)) into[stream] = (into[stream] ?? 0) + count;
}

export function weightOf(weights: Numbers, stream: string, step: number): number {
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

export function assertSameCounts(
  expected: Numbers,
  counted: Numbers,
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

export function nothingToLearn(
  loss: { readonly name: string },
  step: number,
  counts: Numbers,
): TrainError {
  return new TrainError({
    code: 'train/nothing-to-learn',
    where: 'train',
    expected: 'a loss with a positive weight and count that reaches a parameter',
    got: `none in step ${step} (counts ${JSON.stringify(counts)})`,
    fix: `Losses of ${loss.name || 'the loss function'} must be computed from the parameters it is given.`,
  });
}
