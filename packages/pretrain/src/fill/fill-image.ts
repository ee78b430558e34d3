import { ConfigError, patchGrid, type RgbImage } from '@imglish/core';
import { patchify, toImage, unpatchify } from '@imglish/tokenizers';
import { modelPixels, requireCodebookFits, requireTokenizersFit } from '../bundle/model-fit.js';
import { runMaskedLogits } from '../objectives/run-masked-logits.js';
import { executorOf, type FillingModel, framedIds, integers, patchesOf } from './model-inputs.js';
import { indexOfMax } from './most-probable.js';

export interface FilledImage {
  /** The picture as the model sees it. */
  original: RgbImage;
  /** The same with the masked patches in the mean colour, which is grey by default. */
  masked: RgbImage;
  /** The same with the masked patches drawn from the codes that the model expects there. */
  filled: RgbImage;
  /** Most probable code of every masked patch, row by row. */
  codes: Int32Array;
  /** The visual tokenizer's own codes there. */
  expected: Int32Array;
}

/**
 * Fills in the masked patches of an image, `mask [P]` row by row with 1 = masked; with a caption
 * the image is read together with it.
 *
 * Each masked patch becomes the picture of its most probable visual code. Throws `ConfigError`:
 * `config/image-mask`, `config/text-too-long`, `config/no-pictures` for a visual tokenizer whose
 * codes have no picture, and those of parts that do not belong together.
 */
export async function fillImage(
  model: FillingModel,
  image: RgbImage,
  mask: ArrayLike<number>,
  { caption }: { caption?: string } = {},
): Promise<FilledImage> {
  const { config, visualTokenizer, preprocessor } = model;
  requireTokenizersFit('fillImage', config, model);
  if ('parameters' in model) {
    requireCodebookFits('fillImage', model.parameters, visualTokenizer.codes);
  }
  if (!visualTokenizer.decode) {
    throw new ConfigError({
      code: 'config/no-pictures',
      where: 'fillImage',
      expected: 'a visual tokenizer whose codes have pictures',
      got: `one of type ${visualTokenizer.toJSON().type}`,
    });
  }
  const grid = patchGrid(config);
  const positions = maskedPositions(mask, grid);
  const ids = caption === undefined ? undefined : framedIds('fillImage', model, caption);
  const pixels = modelPixels('fillImage', config, image, preprocessor);
  const own = await visualTokenizer.encode(pixels);
  const { patches } = await runMaskedLogits(executorOf(model), config, {
    patches: patchesOf(model, pixels),
    imageMask: { dtype: 'float32', shape: [1, mask.length], data: Float32Array.from(mask) },
    textIds: ids && integers(ids, 2),
    patchPositions: integers(positions, 1),
  });
  const logits = patches!.data as Float32Array; // [masked, K]
  const classes = patches!.shape[1]!;
  const codes = Int32Array.from(positions, (_, i) =>
    indexOfMax(logits.subarray(i * classes, (i + 1) * classes)),
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
  const meanColour = new Float32Array(size);
  return {
    original: toImage(pixels, preprocessor),
    masked: replaced(() => meanColour),
    filled: replaced((patch) => drawn.data.subarray(patch * size, (patch + 1) * size)),
    codes,
    expected: Int32Array.from(positions, (patch) => own[patch]!),
  };
}

function maskedPositions(mask: ArrayLike<number>, [h, w]: readonly [number, number]): number[] {
  const values = Array.from(mask);
  const positions = [...values.keys()].filter((i) => values[i] === 1);
  const fits = values.length === h * w && values.every((value) => value === 0 || value === 1);
  if (fits && positions.length > 0) return positions;
  throw new ConfigError({
    code: 'config/image-mask',
    where: 'fillImage',
    expected: `a mask of ${h * w} patches (${h} × ${w}), each 0 or 1, some of them 1`,
    got: `${values.length} values, ${positions.length} of them 1`,
  });
}
