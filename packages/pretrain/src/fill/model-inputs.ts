import { ConfigError, type ImageInput } from '@imglish/core';
import { type Pixels, patchify } from '@imglish/tokenizers';
import { tensor3d } from '@tensorflow/tfjs-core';
import type { PretrainedModel } from '../bundle/pretrained-model.js';

/** `<s>` ids `</s>` of a text; `config/text-too-long` where the model has no positions for them. */
export function framedIds(
  where: string,
  { config, tokenizer }: PretrainedModel,
  text: string,
): Int32Array {
  const ids = Int32Array.from([tokenizer.bosId, ...tokenizer.encode(text), tokenizer.eosId]);
  const longest = config.maxTextPositions - 2;
  if (ids.length <= longest) return ids;
  throw new ConfigError({
    code: 'config/text-too-long',
    where,
    expected: `at most ${longest} ids, <s> and </s> included`,
    got: `${ids.length}`,
  });
}

/** Pixels as the patches that the model embeds `[1, P, 3 p p]`. */
export function imageInput({ config }: PretrainedModel, pixels: Pixels): ImageInput {
  const { data, grid } = patchify(pixels, config.patchSize);
  const patches = tensor3d(data, [1, grid[0] * grid[1], 3 * config.patchSize ** 2]);
  return { patches, grid };
}
