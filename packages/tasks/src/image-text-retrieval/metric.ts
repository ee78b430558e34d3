import type { PairExample } from '@imglish/core';
import { retrievalRecall } from '../metrics/retrieval-recall.js';
import { mean } from '../metrics/same-length.js';
import type { Metrics } from '../task.js';
import type { Embeddings } from './predict.js';

/** Which image it is. */
export interface ImageReference {
  readonly id: string;
  /** How many texts it has. */
  readonly texts: number;
}

export function reference({ id, captions }: PairExample): ImageReference {
  return { id, texts: captions.length };
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

/**
 * Of orders at random, in the mean. The one right image of n is among the first k with k / n; one of the c
 * texts of an image, of T in all, with 1 − C(T − c, k) / C(T, k).
 */
export function chance(references: readonly ImageReference[]): Metrics {
  const textsOf = new Map<string, number>();
  for (const { id, texts } of references) {
    if (texts > 0) textsOf.set(id, (textsOf.get(id) ?? 0) + texts);
  }
  const own = [...textsOf.values()];
  const all = own.reduce((sum, count) => sum + count, 0);
  const textR = (k: number) => mean(own.map((count) => 1 - allMissed(all, count, k)));
  const imageR = (k: number) => Math.min(1, k / own.length);
  const found = {
    'textR@1': textR(1),
    'textR@5': textR(5),
    'textR@10': textR(10),
    'imageR@1': imageR(1),
    'imageR@5': imageR(5),
    'imageR@10': imageR(10),
  };
  return { meanRecall: mean(Object.values(found)), ...found };
}

/** C(all − own, k) / C(all, k): that none of `own` is among k drawn of `all`. */
function allMissed(all: number, own: number, k: number): number {
  let missed = 1;
  for (let drawn = 0; drawn < Math.min(k, all); drawn++) {
    missed *= Math.max(0, all - own - drawn) / (all - drawn);
  }
  return missed;
}
