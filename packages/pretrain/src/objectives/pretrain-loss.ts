import { ConfigError, type EncoderOptions, type ModelConfig } from '@imglish/core';
import type { Loss, LossTerm } from '@imglish/train';
import { maskedBatches, type PretrainBatch } from '../batches/pretrain-batches.js';
import {
  type MaskedSlots,
  type MaskedStream,
  maskedDataHeadSpecs,
  maskedLogits,
  maskedLosses,
} from './masked-data-modelling.js';
import type { Objective } from './objective.js';

/** The parts of the loss, each divided by its own count of masked positions. */
export type PretrainStream = 'text' | 'image' | 'pairText' | 'pairImage';

export const PRETRAIN_STREAMS: readonly PretrainStream[] = [
  'text',
  'image',
  'pairText',
  'pairImage',
];

/** What is masked in each part of a batch. */
export function slotsOf(batch: PretrainBatch): Partial<Record<PretrainStream, MaskedSlots>> {
  const { text, image, pair } = batch;
  return {
    ...(text ? { text: text.words } : {}),
    ...(image ? { image: image.patches } : {}),
    ...(pair ? { pairText: pair.words, pairImage: pair.patches } : {}),
  };
}

/** Masked data modelling, BEiT-3's own objective, beside which the others stand. */
export const maskedDataModelling: Objective<PretrainBatch> = {
  name: 'masked-data-modelling',
  streams: ['text', 'image', 'pair'],
  parts: PRETRAIN_STREAMS,
  needs: [],
  predictsCodes: true,
  headSpecs: maskedDataHeadSpecs,
  reader: ({ visualTokenizer, ...data }) => {
    if (visualTokenizer) return maskedBatches({ ...data, visualTokenizer });
    throw new ConfigError({
      code: 'config/objectives',
      where: 'pretrain',
      expected: 'a visual tokenizer, whose codes masked data modelling predicts',
      got: 'none',
    });
  },
  counts: countsOf,
  losses: (parameters, config, batch, encoder) =>
    pretrainLoss(config, encoder)(parameters, batch, { step: 0, index: 0 }),
};

/** Masked positions of each part of a batch. */
export function countsOf(batch: PretrainBatch): Record<string, number> {
  return Object.fromEntries(
    Object.entries(slotsOf(batch)).map(([part, { count }]) => [part, count]),
  );
}

/** Masked data modelling of the three streams of a batch, as the loss that `train` minimises. */
export function pretrainLoss(
  config: ModelConfig,
  encoder: EncoderOptions = {},
): Loss<PretrainBatch> {
  return function maskedDataModelling(parameters, { text, image, pair }) {
    const losses = (stream: MaskedStream) =>
      maskedLosses(maskedLogits(parameters, config, stream, encoder), stream);
    const terms: Record<string, LossTerm> = {};
    if (text) terms.text = losses(text).words!;
    if (image) terms.image = losses(image).patches!;
    if (pair) {
      const { words, patches } = losses(pair);
      terms.pairText = words!;
      terms.pairImage = patches!;
    }
    return terms satisfies Partial<Record<PretrainStream, LossTerm>>;
  };
}
