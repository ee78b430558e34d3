import type { EncoderOptions, ModelConfig } from '@imglish/core';
import type { Loss, LossTerm } from '@imglish/train';
import type { PretrainBatch } from '../batches/pretrain-batches.js';
import {
  type MaskedSlots,
  type MaskedStream,
  maskedLogits,
  maskedLosses,
} from './masked-data-modelling.js';

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
