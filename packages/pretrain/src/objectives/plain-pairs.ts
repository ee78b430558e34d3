import type { ImageInput } from '@imglish/core';
import { patchify } from '@imglish/tokenizers';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { inOrder, type Samples } from '../batches/samples.js';
import { imageInput, textInputs } from '../batches/stream-tensors.js';
import type { ObjectiveData } from './objective.js';

/** Images and their captions as they are, nothing masked. */
export interface PlainPairs {
  image: Extract<ImageInput, { patches: unknown }>;
  /** `[B, T]` int32. */
  textIds: Tensor2D;
  /** 1 at padding `[B, T]`. */
  paddingMask: Tensor2D;
}

/** Makes such pairs of samples; the caller owns them. */
export function plainPairs({
  config,
  tokenizer,
  maxCaptionLength,
}: ObjectiveData): (numbers: readonly number[], samples: Samples) => Promise<PlainPairs> {
  return async (numbers, samples) => {
    const pairs = await inOrder(numbers, async (number) => {
      const { pixels, caption } = await samples.pair(number);
      return {
        patches: patchify(pixels, config.patchSize).data,
        text: tokenizer.encodeForModel(caption, maxCaptionLength),
      };
    });
    const patches = pairs.map((pair) => pair.patches);
    const texts = pairs.map(({ text }) => text);
    return { image: imageInput(config, patches), ...textInputs(texts) };
  };
}
