import { ConfigError, ops, patchGrid, type RgbImage } from '@imglish/core';
import { patchify, preprocessImage, toImage, unpatchify } from '@imglish/tokenizers';
import { type Tensor2D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { PretrainedModel } from '../bundle/pretrained-model.js';
import { maskedLogits } from '../objectives/masked-data-modelling.js';
import { imageInput } from './fill-text.js';

export interface FilledImage {
  /** The picture as the model sees it. */
  original: RgbImage;
  /** The same with the masked patches grey. */
  masked: RgbImage;
  /** The same with the masked patches drawn from the codes that the model expects there. */
  filled: RgbImage;
  /** Most probable code of every masked patch, in the order of the mask. */
  codes: Int32Array;
  /** The visual tokenizer's own codes there. */
  expected: Int32Array;
}

/**
 * Fills in the masked patches of an image, `mask [P]` row by row with 1 = masked; with a caption
 * the image is read together with it.
 *
 * Each masked patch becomes the picture of its most probable visual code.
 */
export async function fillImage(
  model: PretrainedModel,
  image: RgbImage,
  mask: ArrayLike<number>,
  { caption }: { caption?: string } = {},
): Promise<FilledImage> {
  const { config, parameters, tokenizer, visualTokenizer, preprocessor } = model;
  if (!visualTokenizer.decode) {
    throw new ConfigError({
      code: 'config/no-pictures',
      where: 'fillImage',
      expected: 'a visual tokenizer whose codes have pictures',
      got: `one of type ${visualTokenizer.toJSON().type}`,
    });
  }
  const grid = patchGrid(config);
  const patches = grid[0] * grid[1];
  const positions = Array.from({ length: patches }, (_, i) => i).filter((i) => mask[i] === 1);
  if (mask.length !== patches || positions.length === 0) {
    throw new ConfigError({
      code: 'config/image-mask',
      where: 'fillImage',
      expected: `a mask of ${patches} patches (${grid[0]} × ${grid[1]}), some of them 1`,
      got: `${mask.length} values, ${positions.length} of them 1`,
    });
  }
  const pixels = preprocessImage(image, preprocessor);
  const own = await visualTokenizer.encode(pixels);
  const ids = caption === undefined ? undefined : tokenizer.encode(caption);
  const answer = tidy(() => {
    const slots = tensor1d(positions, 'int32');
    const logits = maskedLogits(parameters, config, {
      inputs: {
        image: imageInput(model, image),
        imageMask: tensor2d(Float32Array.from(mask), [1, patches]),
        ...(ids
          ? {
              textIds: tensor2d(
                [tokenizer.bosId, ...ids, tokenizer.eosId],
                [1, ids.length + 2],
                'int32',
              ),
            }
          : {}),
      },
      patches: {
        positions: slots,
        labels: slots,
        weights: tensor1d(positions.map(() => 1)),
        count: positions.length,
      },
    });
    return ops.softmax(logits.patches!) as Tensor2D; // [masked, K]
  });
  const probabilities = await answer.data();
  const width = answer.shape[1];
  answer.dispose();
  const codes = Int32Array.from(positions, (_, i) =>
    indexOfMax(probabilities.subarray(i * width, (i + 1) * width)),
  );
  const all = own.slice();
  positions.forEach((patch, i) => {
    all[patch] = codes[i]!;
  });
  const cut = patchify(pixels, config.patchSize);
  const drawn = patchify(await visualTokenizer.decode(all, grid), config.patchSize);
  const size = 3 * config.patchSize ** 2;
  const replaced = (source: (patch: number) => Float32Array) => {
    const data = cut.data.slice();
    for (const patch of positions) data.set(source(patch), patch * size);
    return toImage(unpatchify({ ...cut, data }), preprocessor);
  };
  const grey = new Float32Array(size);
  return {
    original: toImage(pixels, preprocessor),
    masked: replaced(() => grey),
    filled: replaced((patch) => drawn.data.subarray(patch * size, (patch + 1) * size)),
    codes,
    expected: Int32Array.from(positions, (patch) => own[patch]!),
  };
}

function indexOfMax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
