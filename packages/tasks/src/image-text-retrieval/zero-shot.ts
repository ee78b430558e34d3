import type { RgbImage } from '@imglish/core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { hostImages, imageInput } from '../inputs/images.js';
import { perConfig } from '../inputs/per-config.js';
import { encodeTexts, hostTexts } from '../inputs/texts.js';
import type { TaskModel } from '../task.js';
import { forward } from './head.js';
import { similarities } from './loss.js';

const compare = perConfig(
  (config) =>
    function zeroShotClassification({ picture, textIds, paddingMask }, parameters) {
      const outputs = forward(parameters, config, {
        image: imageInput(config, picture!),
        textIds: textIds as Tensor2D,
        paddingMask: paddingMask as Tensor2D,
      });
      return { logits: similarities(outputs) };
    },
);

/** exp(logit_scale) · cosine of an image and each text. */
export async function logitsOfLabels(
  model: TaskModel,
  image: RgbImage,
  texts: readonly string[],
): Promise<Float32Array> {
  const { logits } = await model.executor.run(compare(model.config), {
    // A name of its own: one image stands beside any number of texts.
    picture: hostImages(model, [image]),
    ...hostTexts(encodeTexts('zeroShotClassification', model, texts)),
  });
  return logits!.data as Float32Array;
}
