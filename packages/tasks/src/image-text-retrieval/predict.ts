import type { HostTensor, RgbImage } from '@imglish/core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { hostImages, imageInput } from '../inputs/images.js';
import { rowsOf } from '../inputs/numbers.js';
import { perConfig } from '../inputs/per-config.js';
import { encodeTexts, hostTexts } from '../inputs/texts.js';
import type { TaskModel } from '../task.js';
import { embedImages, embedTexts } from './head.js';

/** An image and texts that may belong to it. */
export interface ImageWithTexts {
  readonly image: RgbImage;
  readonly texts: readonly string[];
}

/** Unit vectors `[D]`; the similarity of two is their dot product, −1 … 1. */
export interface Embeddings {
  readonly image: Float32Array;
  /** In the order of the texts. */
  readonly texts: readonly Float32Array[];
}

const ofImages = perConfig(
  (config) =>
    function imageEmbeddings({ patches }, parameters) {
      return { vectors: embedImages(parameters, config, imageInput(config, patches!)) };
    },
);

const ofTexts = perConfig(
  (config) =>
    function textEmbeddings({ textIds, paddingMask }, parameters) {
      const inputs = { textIds: textIds as Tensor2D, paddingMask: paddingMask as Tensor2D };
      return { vectors: embedTexts(parameters, config, inputs) };
    },
);

/** Unit vectors of images. */
export async function imageVectors(
  model: TaskModel,
  images: readonly RgbImage[],
): Promise<Float32Array[]> {
  const { vectors } = await model.executor.run(ofImages(model.config), {
    patches: hostImages(model, images),
  });
  return rowsCopied(vectors!);
}

/** Unit vectors of texts. */
export async function textVectors(
  model: TaskModel,
  texts: readonly string[],
): Promise<Float32Array[]> {
  const inputs = hostTexts(encodeTexts('imageTextRetrieval.predict', model, texts));
  const { vectors } = await model.executor.run(ofTexts(model.config), { ...inputs });
  return rowsCopied(vectors!);
}

/** The vector of each image and those of its texts. */
export async function predict(
  model: TaskModel,
  queries: readonly ImageWithTexts[],
): Promise<Embeddings[]> {
  const images = await imageVectors(
    model,
    queries.map(({ image }) => image),
  );
  const all = queries.flatMap(({ texts }) => texts);
  const vectors = all.length > 0 ? await textVectors(model, all) : [];
  let next = 0;
  return queries.map(({ texts }, i) => {
    const first = next;
    next += texts.length;
    return { image: images[i]!, texts: vectors.slice(first, next) };
  });
}

/** Rows that do not keep the whole matrix alive. */
function rowsCopied(matrix: HostTensor): Float32Array[] {
  return rowsOf(matrix).map((row) => row.slice());
}
