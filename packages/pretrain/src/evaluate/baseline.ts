import type { BatchSource } from '@imglish/train';
import { disposeBatch } from '../batches/dispose-batch.js';
import type { PretrainBatch } from '../batches/pretrain-batches.js';
import { type PretrainStream, slotsOf } from '../objectives/pretrain-loss.js';
import { readSlots, type SlotValues } from './read-stream.js';

/** How often each label was right at a masked position of the training data. */
export interface LabelFrequencies {
  readonly counts: ReadonlyMap<number, number>;
  readonly total: number;
  /** The most frequent label: what to answer without looking. Of several the least. */
  readonly most: number;
}

/** Counts the labels of the first `batches` batches, stream by stream. */
export async function labelFrequencies(
  source: BatchSource<PretrainBatch>,
  batches: number,
): Promise<Partial<Record<PretrainStream, LabelFrequencies>>> {
  const counts: Partial<Record<PretrainStream, Map<number, number>>> = {};
  for (let index = 0; index < batches; index++) {
    const batch = await source(index);
    try {
      for (const [stream, slots] of Object.entries(slotsOf(batch))) {
        counts[stream as PretrainStream] ??= new Map();
        const known = counts[stream as PretrainStream]!;
        for (const label of labelsOf(await readSlots(slots)))
          known.set(label, (known.get(label) ?? 0) + 1);
      }
    } finally {
      disposeBatch(batch);
    }
  }
  return Object.fromEntries(
    Object.entries(counts).map(([stream, known]) => [stream, frequenciesOf(known)]),
  );
}

function frequenciesOf(counts: ReadonlyMap<number, number>): LabelFrequencies {
  const [most] = [...counts].reduce((a, b) =>
    b[1] > a[1] || (b[1] === a[1] && b[0] < a[0]) ? b : a,
  );
  return { counts, total: [...counts.values()].reduce((sum, n) => sum + n, 0), most };
}

/** The labels of the slots that are not empty. */
function labelsOf({ labels, weights }: SlotValues): number[] {
  return Array.from(labels).filter((_, i) => weights[i] === 1);
}

/**
 * −log((counts[label] + 1) / (total + classes)), in nats: the loss of answering with the label's share
 * in the training data, one added to every class so that a label never seen has a chance. No model
 * that does not look at its input does better.
 */
export function unigramLoss(
  { counts, total }: LabelFrequencies,
  label: number,
  classes: number,
): number {
  return -Math.log(((counts.get(label) ?? 0) + 1) / (total + classes));
}
