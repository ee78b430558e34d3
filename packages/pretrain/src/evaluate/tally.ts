import { ConfigError, type HostTensor } from '@imglish/core';
import { indexOfMax } from '../fill/most-probable.js';
import { type LabelFrequencies, unigramLoss } from './baseline.js';
import type { SlotValues } from './read-stream.js';

/** How well masked positions are filled in. */
export interface Score {
  /** Masked positions. */
  readonly count: number;
  /** Share of them where the most probable answer is right. */
  readonly accuracy: number;
  /** Mean −log p of the right answer, in nats. */
  readonly loss: number;
}

/** Adds up answers at masked positions. */
export class Tally {
  private count = 0;
  private right = 0;
  private loss = 0;

  /** Answers `[M, classes]`; empty slots do not count. Of equal logits the first is the answer. */
  addLogits(logits: HostTensor, slots: SlotValues): void {
    const classes = logits.shape[1]!;
    const values = logits.data as Float32Array;
    for (const { slot, label } of labelled(slots, classes)) {
      const row = values.subarray(slot * classes, (slot + 1) * classes);
      const answer = indexOfMax(row);
      const top = row[answer]!;
      const sum = row.reduce((total, z) => total + Math.exp(z - top), 0);
      this.add(answer === label, top + Math.log(sum) - row[label]!);
    }
  }

  /** Always the most frequent label; the loss is that of the frequencies. */
  addFrequencies(known: LabelFrequencies, slots: SlotValues, classes: number): void {
    for (const { label } of labelled(slots, classes)) {
      this.add(label === known.most, unigramLoss(known, label, classes));
    }
  }

  score(): Score {
    const { count } = this;
    return { count, accuracy: this.right / count, loss: this.loss / count };
  }

  private add(right: boolean, loss: number): void {
    this.count++;
    if (right) this.right++;
    this.loss += loss;
  }
}

/** The slots that are not empty. */
function labelled(
  { labels, weights }: SlotValues,
  classes: number,
): { slot: number; label: number }[] {
  const real = Array.from(labels, (label, slot) => ({ slot, label })).filter(
    ({ slot }) => weights[slot] === 1,
  );
  const wrong = real.find(({ label }) => label >= classes);
  if (wrong) {
    throw new ConfigError({
      code: 'config/label',
      where: 'evaluatePretraining',
      expected: `labels below ${classes}, the classes of the head`,
      got: String(wrong.label),
      fix: 'The model was pretrained with other tokenizers than those of the batches.',
    });
  }
  return real;
}
