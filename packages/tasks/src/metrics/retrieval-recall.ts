import { ShapeError } from '@imglish/core';
import { dot } from './dot.js';
import { checkSameLength, mean } from './same-length.js';

/** A text beside its image: a row for every text, so an image comes as often as it has texts. */
export interface RetrievalRow {
  readonly imageId: number | string;
  /** Unit vectors of one length. */
  readonly image: Float32Array;
  readonly text: Float32Array;
}

/** Shares 0 … 1. */
export interface RetrievalRecall {
  /** Mean of the other six; by it the best model is kept. */
  readonly averageScore: number;
  /** Images that find one of their texts among the first 1, 5, 10. */
  readonly imageToText: Readonly<Record<'r1' | 'r5' | 'r10', number>>;
  /** Texts that find their image among the first 1, 5, 10. */
  readonly textToImage: Readonly<Record<'r1' | 'r5' | 'r10', number>>;
}

/**
 * R@1, R@5 and R@10 in both directions, by the product of the vectors, as the reference counts them
 * (engine_for_finetuning.py): images are unique by id, the first vector of each is kept, and they
 * are ordered by id. With fewer than k candidates, R@k asks for all of them.
 *
 * @throws DataError `data/metric-length` without rows; ShapeError `shape/embedding` where vectors
 *   are not of one length.
 */
export function retrievalRecall(rows: readonly RetrievalRow[]): RetrievalRecall {
  checkSameLength('retrievalRecall', rows.length, rows.length);
  checkLengths(rows);
  const texts = rows.map(({ imageId, text }) => ({ imageId, vector: text }));
  const images = uniqueImages(rows);
  const imageToText = recalls(images, texts);
  const textToImage = recalls(texts, images);
  const averageScore = mean([...Object.values(imageToText), ...Object.values(textToImage)]);
  return { averageScore, imageToText, textToImage };
}

interface Item {
  readonly imageId: number | string;
  readonly vector: Float32Array;
}

function uniqueImages(rows: readonly RetrievalRow[]): Item[] {
  const first = new Map<number | string, Float32Array>();
  for (const { imageId, image } of rows) if (!first.has(imageId)) first.set(imageId, image);
  return [...first]
    .map(([imageId, vector]) => ({ imageId, vector }))
    .sort((a, b) => (a.imageId < b.imageId ? -1 : 1));
}

function recalls(
  queries: readonly Item[],
  candidates: readonly Item[],
): Record<'r1' | 'r5' | 'r10', number> {
  const ranks = queries.map((query) => rankOfRight(query, candidates));
  const recall = (k: number) => mean(ranks.map((rank) => (rank < k ? 1 : 0)));
  return { r1: recall(1), r5: recall(5), r10: recall(10) };
}

/** How many candidates come before the best right one; of equal ones the earlier comes first. */
function rankOfRight(query: Item, candidates: readonly Item[]): number {
  const scores = Float32Array.from(candidates, ({ vector }) => dot(query.vector, vector));
  let best = -1;
  candidates.forEach(({ imageId }, i) => {
    if (imageId === query.imageId && (best < 0 || scores[i]! > scores[best]!)) best = i;
  });
  const before = (score: number, i: number) =>
    score > scores[best]! || (score === scores[best] && i < best);
  return scores.reduce((count, score, i) => count + (before(score, i) ? 1 : 0), 0);
}

function checkLengths(rows: readonly RetrievalRow[]): void {
  const expected = rows[0]!.image.length;
  for (const { image, text } of rows) {
    if (image.length === expected && text.length === expected) continue;
    throw new ShapeError({
      code: 'shape/embedding',
      where: 'retrievalRecall',
      expected: `vectors of ${expected}, as the first`,
      got: `an image's of ${image.length} and a text's of ${text.length}`,
    });
  }
}
