import type { BatchSource } from '@imglish/train';
import { dispose } from '@tensorflow/tfjs-core';
import type { PretrainBatch } from '../batches/pretrain-batches.js';
import type { MaskedSlots } from '../objectives/masked-data-modelling.js';
import { PRETRAIN_STREAMS, type PretrainStream } from '../objectives/pretrain-loss.js';

/** How often each label was right at a masked position of the training data. */
export interface LabelFrequencies {
  readonly counts: ReadonlyMap<number, number>;
  readonly total: number;
  /** The most frequent label: what to answer without looking. */
  readonly most: number;
}

/** What is masked in each part of a batch. */
export function slotsOf(batch: PretrainBatch): Partial<Record<PretrainStream, MaskedSlots>> {
  return {
    ...(batch.text?.words ? { text: batch.text.words } : {}),
    ...(batch.image?.patches ? { image: batch.image.patches } : {}),
    ...(batch.pair?.words ? { pairText: batch.pair.words } : {}),
    ...(batch.pair?.patches ? { pairImage: batch.pair.patches } : {}),
  };
}

/** Counts the labels of the first `batches` batches, stream by stream. */
export async function labelFrequencies(
  source: BatchSource<PretrainBatch>,
  batches: number,
): Promise<Partial<Record<PretrainStream, LabelFrequencies>>> {
  const counts = new Map<PretrainStream, Map<number, number>>();
  for (let index = 0; index < batches; index++) {
    const batch = await source(index);
    const slots = slotsOf(batch);
    for (const stream of PRETRAIN_STREAMS) {
      const of = slots[stream];
      if (!of) continue;
      const known = counts.get(stream) ?? new Map<number, number>();
      counts.set(stream, known);
      for (const label of await realLabels(of)) known.set(label, (known.get(label) ?? 0) + 1);
    }
    dispose(batch as never);
  }
  return Object.fromEntries(
    [...counts].map(([stream, known]) => {
      const total = [...known.values()].reduce((sum, n) => sum + n, 0);
      const [most] = [...known].reduce((a, b) => (b[1] > a[1] ? b : a));
      return [stream, { counts: known, total, most }];
    }),
  );
}

/** The labels of the slots that are not empty. */
export async function realLabels({ labels, weights }: MaskedSlots): Promise<number[]> {
  const [values, real] = await Promise.all([labels.data(), weights.data()]);
  return Array.from(values).filter((_, i) => real[i] === 1);
}

/**
 * −log p(label) where p is the label's share in the training data, one added to every class so that
 * a label never seen has a chance: the best loss of a model that does not look at its input.
 */
export function unigramLoss(
  { counts, total }: LabelFrequencies,
  label: number,
  classes: number,
): number {
  return -Math.log(((counts.get(label) ?? 0) + 1) / (total + classes));
}
