import { expect, it } from 'vitest';
import { chance, metric } from './metric.js';

/** All orders of these. */
function orders<T>(of: readonly T[]): T[][] {
  if (of.length === 0) return [[]];
  return of.flatMap((first, i) => orders(of.toSpliced(i, 1)).map((rest) => [first, ...rest]));
}

it('chance is the mean over all orders', () => {
  const images = [
    { id: 'a', texts: 3 },
    { id: 'b', texts: 1 },
    { id: 'c', texts: 2 },
  ];
  const texts = images.flatMap(({ id, texts }) => new Array<string>(texts).fill(id));
  const share = (lists: string[][], id: string, k: number) =>
    lists.filter((list) => list.slice(0, k).includes(id)).length / lists.length;
  const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const recall = (lists: string[][], asked: string[], k: number) =>
    mean(asked.map((id) => share(lists, id, k)));

  const ids = images.map(({ id }) => id);
  const [ofTexts, ofImages] = [orders(texts), orders(ids)];
  const found = chance(images);
  for (const k of [1, 5, 10]) {
    expect(found[`textR@${k}`]).toBeCloseTo(recall(ofTexts, ids, k), 12);
    expect(found[`imageR@${k}`]).toBeCloseTo(recall(ofImages, texts, k), 12);
  }
  const { meanRecall, ...six } = found;
  expect(meanRecall).toBeCloseTo(mean(Object.values(six)), 12);
});

it('chance has the names of the scores, and leaves out images without texts', () => {
  const vector = Float32Array.of(1, 0);
  const references = [
    { id: 'a', texts: 1 },
    { id: 'b', texts: 0 },
  ];
  const embeddings = [
    { image: vector, texts: [vector] },
    { image: vector, texts: [] },
  ];
  const scores = metric(embeddings, references);
  expect(chance(references)).toEqual(scores);
  expect(scores.meanRecall).toBe(1);
});
