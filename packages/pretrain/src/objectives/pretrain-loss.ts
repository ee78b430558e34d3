import type { EncoderOptions, ModelConfig } from '@imglish/core';
import type { Loss, LossTerm } from '@imglish/train';
import type { PretrainBatch } from '../batches/pretrain-batches.js';
import { maskedLogits, maskedLosses } from './masked-data-modelling.js';

/** The parts of the loss, each divided by its own count of masked positions. */
export type PretrainStream = 'text' | 'image' | 'pairText' | 'pairImage';

export const PRETRAIN_STREAMS: readonly PretrainStream[] = [
  'text',
  'image',
  'pairText',
  'pairImage',
];

/** Masked data modelling of the three streams of a batch, as the loss that `train` minimises. */
export function pretrainLoss(
  config: ModelConfig,
  encoder: EncoderOptions = {},
): Loss<PretrainBatch> {
  return function maskedDataModelling(parameters, batch) {
    const terms: Partial<Record<PretrainStream, LossTerm>> = {};
    if (batch.text) {
      const logits = maskedLogits(parameters, config, batch.text, encoder);
      terms.text = maskedLosses(logits, batch.text).words!;
    }
    if (batch.image) {
      const logits = maskedLogits(parameters, config, batch.image, encoder);
      terms.image = maskedLosses(logits, batch.image).patches!;
    }
    if (batch.pair) {
      const logits = maskedLogits(parameters, config, batch.pair, encoder);
      const { words, patches } = maskedLosses(logits, batch.pair);
      terms.pairText = words!;
      terms.pairImage = patches!;
    }
    return terms as Record<string, LossTerm>;
  };
}
