import type { HostTensor, RgbImage } from '@imglish/core';
import { modelPixels } from '../inputs/images.js';
import { requireTokenizer } from '../inputs/texts.js';
import type { TaskModel } from '../task.js';
import { type CaptionOptions, generateCaptions } from './generate/index.js';

/** A caption and how probable the model finds it. */
export interface WrittenCaption {
  readonly caption: string;
  /** Σ log p of its words and its end, divided by its length to the power of the length penalty. */
  readonly score: number;
}

/** A caption of each image, by default with the beam search of BEiT-3's evaluation. */
export async function predict(
  model: TaskModel,
  queries: readonly { image: RgbImage }[],
  options: CaptionOptions = {},
): Promise<WrittenCaption[]> {
  const tokenizer = requireTokenizer('imageCaptioning.predict', model);
  const pixels = hostPixels(
    model,
    queries.map(({ image }) => image),
  );
  const captions = await generateCaptions(await model.decoder(), pixels, tokenizer, options);
  return captions.map(({ words, score }) => ({ caption: tokenizer.decode(words), score }));
}

/** `[B, 3, H, W]`. */
function hostPixels(model: TaskModel, images: readonly RgbImage[]): HostTensor {
  const [height, width] = model.config.imageSize;
  const each = 3 * height * width;
  const data = new Float32Array(images.length * each);
  images.forEach((image, i) => {
    data.set(modelPixels(model, image).data, i * each);
  });
  return { dtype: 'float32', shape: [images.length, 3, height, width], data };
}
