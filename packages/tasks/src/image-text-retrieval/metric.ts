import type { PairExample } from '@imglish/core';
import { retrievalRecall } from '../metrics/retrieval-recall.js';
import type { Metrics } from '../task.js';
import type { Embeddings } from './predict.js';

/** Which image it is. */
export interface ImageReference {
  readonly id: string;
}

export function reference({ id }: PairExample): ImageReference {
  return { id };
}

/**
 * R@1, R@5, R@10 among all images and texts given, both ways, 0 … 1: `textR` of images that find one of
 * their texts (the paper's TR), `imageR` of texts that find their image (IR). First their mean.
 */
export function metric(
  predictions: readonly Embeddings[],
  references: readonly ImageReference[],
): Metrics {
  const rows = predictions.flatMap(({ image, texts }, i) =>
    texts.map((text) => ({ imageId: references[i]!.id, image, text })),
  );
  const { averageScore, imageToText, textToImage } = retrievalRecall(rows);
  return {
    meanRecall: averageScore,
    'textR@1': imageToText.r1,
    'textR@5': imageToText.r5,
    'textR@10': imageToText.r10,
    'imageR@1': textToImage.r1,
    'imageR@5': textToImage.r5,
    'imageR@10': textToImage.r10,
  };
}

/** Of an order at random: of n images the right one is among the first k with k / n. */
export function chance(references: readonly ImageReference[]): Metrics {
  const images = new Set(references.map(({ id }) => id)).size;
  const within = (k: number) => Math.min(1, k / images);
  return { 'imageR@1': within(1), 'imageR@5': within(5), 'imageR@10': within(10) };
}
