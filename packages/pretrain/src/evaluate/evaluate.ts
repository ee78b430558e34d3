import { ConfigError, type ModelConfig, type Parameters } from '@imglish/core';
import type { BatchSource } from '@imglish/train';
import { dispose, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { disposeBatch } from '../batches/dispose-batch.js';
import type { PretrainBatch } from '../batches/pretrain-batches.js';
import {
  type MaskedSlots,
  type MaskedStream,
  maskedLogits,
} from '../objectives/masked-data-modelling.js';
import { PRETRAIN_STREAMS, type PretrainStream } from '../objectives/pretrain-loss.js';
import type { LabelFrequencies } from './baseline.js';
import { type Score, Tally } from './tally.js';

/** One part of the objective beside what can be had without a model, or without the partner. */
export interface StreamEvaluation {
  readonly model: Score;
  /** Always the most frequent label of the training data; its loss is that of their frequencies. */
  readonly mostFrequent: Score;
  /** Pairs only: the same blanks, without the image (for words) or the caption (for patches). */
  readonly withoutPartner?: Score;
}

/** Evaluation of every part that the batches have. */
export type PretrainEvaluation = Partial<Record<PretrainStream, StreamEvaluation>>;

/**
 * Fills in the blanks of the first `batches` batches of a source, usually one of unseen data, and
 * scores words and patches beside the baselines. Whole models are scored: drop paths of the batches
 * are left out.
 *
 * Throws `config/no-frequencies` where a part of the batches has none, `config/label` for a label
 * that the head does not have.
 */
export async function evaluatePretraining(
  parameters: Parameters,
  config: ModelConfig,
  source: BatchSource<PretrainBatch>,
  batches: number,
  frequencies: Partial<Record<PretrainStream, LabelFrequencies>>,
): Promise<PretrainEvaluation> {
  const tallies: Record<Kind, Partial<Record<PretrainStream, Tally>>> = {
    model: {},
    mostFrequent: {},
    withoutPartner: {},
  };
  const tally = (kind: Kind, part: PretrainStream): Tally => {
    tallies[kind][part] ??= new Tally();
    return tallies[kind][part];
  };
  const score = async (
    kind: Pass['kind'],
    part: PretrainStream,
    logits: Tensor2D,
    slots: MaskedSlots,
  ) => {
    await tally(kind, part).addLogits(logits, slots);
    if (kind === 'withoutPartner') return;
    const known = frequencies[part] ?? noFrequencies(part);
    await tally('mostFrequent', part).addFrequencies(known, slots, logits.shape[1]);
  };

  for (let index = 0; index < batches; index++) {
    const batch = await source(index);
    try {
      for (const { kind, stream, words, patches } of passesOf(batch)) {
        const whole = { ...stream, dropPath: undefined };
        const logits = tidy(() => maskedLogits(parameters, config, whole));
        try {
          if (words) await score(kind, words, logits.words!, stream.words!);
          if (patches) await score(kind, patches, logits.patches!, stream.patches!);
        } finally {
          dispose(logits);
        }
      }
    } finally {
      disposeBatch(batch);
    }
  }

  const { model, mostFrequent, withoutPartner } = tallies;
  return Object.fromEntries(
    PRETRAIN_STREAMS.filter((part) => model[part]).map((part) => {
      const alone = withoutPartner[part]?.score();
      const evaluation: StreamEvaluation = {
        model: model[part]!.score(),
        mostFrequent: mostFrequent[part]!.score(),
        ...(alone ? { withoutPartner: alone } : {}),
      };
      return [part, evaluation];
    }),
  );
}

type Kind = keyof StreamEvaluation;

/** Something to run the model on, and which parts of the objective its words and patches are. */
interface Pass {
  kind: 'model' | 'withoutPartner';
  stream: MaskedStream;
  words?: PretrainStream;
  patches?: PretrainStream;
}

function passesOf({ text, image, pair }: PretrainBatch): Pass[] {
  const passes: Pass[] = [];
  if (text) passes.push({ kind: 'model', stream: text, words: 'text' });
  if (image) passes.push({ kind: 'model', stream: image, patches: 'image' });
  if (pair) {
    const { image, imageMask, textIds, paddingMask } = pair.inputs;
    const words = { inputs: { textIds, paddingMask }, words: pair.words };
    const patches = { inputs: { image, imageMask }, patches: pair.patches };
    passes.push(
      { kind: 'model', stream: pair, words: 'pairText', patches: 'pairImage' },
      { kind: 'withoutPartner', stream: words, words: 'pairText' },
      { kind: 'withoutPartner', stream: patches, patches: 'pairImage' },
    );
  }
  return passes;
}

function noFrequencies(part: PretrainStream): never {
  throw new ConfigError({
    code: 'config/no-frequencies',
    where: 'evaluatePretraining',
    expected: `label frequencies of the part ${part}, for its baseline`,
    got: 'none',
    fix: 'Count them with labelFrequencies, over batches of training data with the same streams.',
  });
}
