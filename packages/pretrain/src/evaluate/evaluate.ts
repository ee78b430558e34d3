import { ConfigError, type Executor, type HostTensor, type ModelConfig } from '@imglish/core';
import type { BatchSource } from '@imglish/train';
import { disposeBatch } from '../batches/dispose-batch.js';
import type { PretrainBatch } from '../batches/pretrain-batches.js';
import { PRETRAIN_STREAMS, type PretrainStream } from '../objectives/pretrain-loss.js';
import { type HostMaskedInputs, runMaskedLogits } from '../objectives/run-masked-logits.js';
import type { LabelFrequencies } from './baseline.js';
import { readStream, type SlotValues } from './read-stream.js';
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
 * scores words and patches beside the baselines. `executor` has the model's parameters. Whole models
 * are scored: drop paths of the batches are left out.
 *
 * Throws `config/no-frequencies` where a part of the batches has none, `config/label` for a label
 * that the head does not have, `config/image-grid` for patches of another grid than the model's.
 */
export async function evaluatePretraining(
  executor: Executor,
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
  const score = (
    kind: Pass['kind'],
    part: PretrainStream,
    logits: HostTensor,
    slots: SlotValues,
  ): void => {
    tally(kind, part).addLogits(logits, slots);
    if (kind === 'withoutPartner') return;
    const known = frequencies[part] ?? noFrequencies(part);
    tally('mostFrequent', part).addFrequencies(known, slots, logits.shape[1]!);
  };

  for (let index = 0; index < batches; index++) {
    for (const { kind, inputs, words, patches } of await readPasses(await source(index), config)) {
      const logits = await runMaskedLogits(executor, config, inputs);
      if (words) score(kind, words.part, logits.words!, words.slots);
      if (patches) score(kind, patches.part, logits.patches!, patches.slots);
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
  inputs: HostMaskedInputs;
  words?: PassSlots;
  patches?: PassSlots;
}

interface PassSlots {
  part: PretrainStream;
  slots: SlotValues;
}

/** All there is to run of a batch, which is disposed. */
async function readPasses(batch: PretrainBatch, config: ModelConfig): Promise<Pass[]> {
  try {
    const passes: Pass[] = [];
    const { text, image, pair } = batch;
    if (text) {
      const { inputs, words } = await readStream(text, config);
      passes.push({ kind: 'model', inputs, words: { part: 'text', slots: words! } });
    }
    if (image) {
      const { inputs, patches } = await readStream(image, config);
      passes.push({ kind: 'model', inputs, patches: { part: 'image', slots: patches! } });
    }
    if (pair) {
      const { inputs, ...slots } = await readStream(pair, config);
      const { textIds, paddingMask, wordPositions, ...ofImage } = inputs;
      const words: PassSlots = { part: 'pairText', slots: slots.words! };
      const patches: PassSlots = { part: 'pairImage', slots: slots.patches! };
      const ofText = { textIds, paddingMask, wordPositions };
      passes.push(
        { kind: 'model', inputs, words, patches },
        { kind: 'withoutPartner', inputs: ofText, words },
        { kind: 'withoutPartner', inputs: ofImage, patches },
      );
    }
    return passes;
  } finally {
    disposeBatch(batch);
  }
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
