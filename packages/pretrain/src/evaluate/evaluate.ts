import type { ModelConfig, Parameters } from '@imglish/core';
import type { BatchSource } from '@imglish/train';
import { dispose, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import type { PretrainBatch } from '../batches/pretrain-batches.js';
import {
  type MaskedSlots,
  type MaskedStream,
  maskedLogits,
} from '../objectives/masked-data-modelling.js';
import { type LabelFrequencies, unigramLoss } from './baseline.js';

/** How well masked positions are filled in. */
export interface Score {
  /** Masked positions. */
  readonly count: number;
  /** Share of them where the most probable answer is right. */
  readonly accuracy: number;
  /** Mean −log p of the right answer, in nats. */
  readonly loss: number;
}

/** One part of the objective beside what can be had without a model, or without the partner. */
export interface StreamEvaluation {
  readonly model: Score;
  /** Always the most frequent label of the training data; its loss is that of their frequencies. */
  readonly mostFrequent: Score;
  /** Pairs only: the same blanks, without the image (for words) or the caption (for patches). */
  readonly withoutPartner?: Score;
}

/** Evaluation of every part that the batches have. */
export type PretrainEvaluation = Partial<
  Record<'text' | 'image' | 'pairText' | 'pairImage', StreamEvaluation>
>;

/**
 * Fills in the blanks of the first `batches` batches of a source, usually one of unseen data, and
 * scores words and patches against the baselines.
 */
export async function evaluatePretraining(
  parameters: Parameters,
  config: ModelConfig,
  source: BatchSource<PretrainBatch>,
  batches: number,
  frequencies: Partial<Record<string, LabelFrequencies>>,
): Promise<PretrainEvaluation> {
  const tallies = new Map<string, Tally>();
  const tally = (name: string): Tally => {
    const known = tallies.get(name) ?? new Tally();
    tallies.set(name, known);
    return known;
  };
  const score = async (stream: string, kind: string, logits: Tensor2D, slots: MaskedSlots) => {
    await tally(`${stream} ${kind}`).add(logits, slots);
    const known = frequencies[stream];
    if (kind === 'model' && known) {
      await tally(`${stream} mostFrequent`).addUnigram(known, slots, logits.shape[1]);
    }
    logits.dispose();
  };
  const run = (stream: MaskedStream) =>
    tidy(() => {
      const { words, patches } = maskedLogits(parameters, config, stream);
      return { ...(words ? { words } : {}), ...(patches ? { patches } : {}) };
    }) as { words?: Tensor2D; patches?: Tensor2D };

  for (let index = 0; index < batches; index++) {
    const { text, image, pair, size } = await source(index);
    if (text) await score('text', 'model', run(text).words!, text.words!);
    if (image) await score('image', 'model', run(image).patches!, image.patches!);
    if (pair) {
      const both = run(pair);
      await score('pairText', 'model', both.words!, pair.words!);
      await score('pairImage', 'model', both.patches!, pair.patches!);
      const { image: picture, imageMask, ...words } = pair.inputs;
      const alone = run({ inputs: words, words: pair.words! });
      await score('pairText', 'withoutPartner', alone.words!, pair.words!);
      const blind = run({ inputs: { image: picture, imageMask }, patches: pair.patches! });
      await score('pairImage', 'withoutPartner', blind.patches!, pair.patches!);
    }
    dispose({ text, image, pair, size } as never);
  }

  const result: Record<string, Record<string, Score>> = {};
  for (const [name, known] of tallies) {
    const [stream, kind] = name.split(' ') as [string, string];
    result[stream] = { ...result[stream], [kind]: known.score() };
  }
  return result as unknown as PretrainEvaluation;
}

class Tally {
  #count = 0;
  #right = 0;
  #loss = 0;

  async add(logits: Tensor2D, slots: MaskedSlots): Promise<void> {
    const classes = logits.shape[1];
    const values = await logits.data<'float32'>();
    const [labels, weights] = await Promise.all([slots.labels.data(), slots.weights.data()]);
    for (let slot = 0; slot < labels.length; slot++) {
      if (weights[slot] !== 1) continue;
      const row = values.subarray(slot * classes, (slot + 1) * classes);
      const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const sum = row.reduce((total, z) => total + Math.exp(z - top), 0);
      const z = row[labels[slot]!]!;
      this.#count++;
      if (z === top) this.#right++;
      this.#loss += top + Math.log(sum) - z;
    }
  }

  async addUnigram(known: LabelFrequencies, slots: MaskedSlots, classes: number): Promise<void> {
    const [labels, weights] = await Promise.all([slots.labels.data(), slots.weights.data()]);
    for (let slot = 0; slot < labels.length; slot++) {
      if (weights[slot] !== 1) continue;
      this.#count++;
      if (labels[slot] === known.most) this.#right++;
      this.#loss += unigramLoss(known, labels[slot]!, classes);
    }
  }

  score(): Score {
    const count = Math.max(1, this.#count);
    return { count: this.#count, accuracy: this.#right / count, loss: this.#loss / count };
  }
}
