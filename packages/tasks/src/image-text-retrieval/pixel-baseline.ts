import type { Dataset, PairExample } from '@imglish/core';
import { defaultPreprocessor, preprocessImage } from '@imglish/tokenizers';
import { dot } from '../metrics/dot.js';
import { tokenizeCaption } from '../metrics/tokenize-caption.js';
import type { Metrics } from '../task.js';
import { metric, reference } from './metric.js';

/** Side that images are compared at, pixels. */
const SIDE = 16;
/** Training images that are looked at, evenly spread. */
const KNOWN = 4000;
/** Nearest of them whose captions describe an image. */
const NEIGHBOURS = 10;

/**
 * What retrieval reaches without a model: an image is described by the captions of the ten training
 * images nearest to it in pixels (cosine, 16 × 16), a text by its words. Both are unit vectors of
 * tf · idf over the words of the training captions, scored as those of a model are.
 *
 * @param count examples that are looked at, the first ones.
 */
export async function pixelBaseline(
  data: Dataset<PairExample>,
  training: Dataset<PairExample>,
  count: number = data.size,
): Promise<Metrics> {
  const known: { pixels: Float32Array; words: string[] }[] = [];
  const looked = Math.min(KNOWN, training.size);
  for (let i = 0; i < looked; i++) {
    const index = Math.floor((i * training.size) / looked);
    const { image, captions } = await training.get(index);
    known.push({ pixels: pixelVector(image), words: captions.flatMap(tokenizeCaption) });
  }
  const vectorOf = wordVectors(known.map(({ words }) => words));
  const predictions = [];
  const references = [];
  for (let i = 0; i < Math.min(count, data.size); i++) {
    const example = await data.get(i);
    const { image, captions } = example;
    const pixels = pixelVector(image);
    const near = known
      .map(({ pixels: other, words }) => ({ likeness: dot(pixels, other), words }))
      .sort((a, b) => b.likeness - a.likeness)
      .slice(0, NEIGHBOURS);
    predictions.push({
      image: vectorOf(near.flatMap(({ words }) => words)),
      texts: captions.map((caption) => vectorOf(tokenizeCaption(caption))),
    });
    references.push(reference(example));
  }
  return metric(predictions, references);
}

/** An image's pixels at 16 × 16, around their mean, as a unit vector `[3 · 16 · 16]`. */
function pixelVector(image: PairExample['image']): Float32Array {
  const { data } = preprocessImage(image, defaultPreprocessor([SIDE, SIDE]));
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  return unit(data.map((value) => value - mean));
}

/** Words → the unit vector of tf · log(documents / documents with the word); unknown words are left out. */
function wordVectors(documents: readonly (readonly string[])[]): (words: string[]) => Float32Array {
  const containing = new Map<string, number>();
  for (const words of documents) {
    for (const word of new Set(words)) containing.set(word, (containing.get(word) ?? 0) + 1);
  }
  const index = new Map([...containing.keys()].map((word, i) => [word, i]));
  return (words) => {
    const vector = new Float32Array(index.size);
    for (const word of words) {
      const at = index.get(word);
      if (at !== undefined) vector[at]! += Math.log(documents.length / containing.get(word)!);
    }
    return unit(vector);
  };
}

function unit(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(dot(vector, vector));
  return norm === 0 ? vector : vector.map((value) => value / norm);
}
