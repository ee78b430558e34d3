import { ConfigError, type Executor, eagerExecutor, type HostTensor } from '@imglish/core';
import { type Pixels, patchify } from '@imglish/tokenizers';
import type { PretrainedModel, ServedModel } from '../bundle/pretrained-model.js';

/** A model that can fill in: with its parameters, or with what runs it. */
export type FillingModel = PretrainedModel | ServedModel;

/** The same for texts, for which no visual tokenizer is needed. */
export type TextFillingModel = WithoutVisual<PretrainedModel> | WithoutVisual<ServedModel>;

type WithoutVisual<M extends FillingModel> = Omit<M, 'visualTokenizer'> &
  Partial<Pick<M, 'visualTokenizer'>>;

/** `<s>` ids `</s>` of a text; `config/text-too-long` where the model has no positions for them. */
export function framedIds(
  where: string,
  { config, tokenizer }: TextFillingModel,
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
export function patchesOf({ config }: TextFillingModel, pixels: Pixels): HostTensor {
  const { data, grid } = patchify(pixels, config.patchSize);
  const shape = [1, grid[0] * grid[1], 3 * config.patchSize ** 2];
  return { dtype: 'float32', shape, data };
}

/** One row of whole numbers `[n]`, or a batch of one of them `[1, n]`. */
export function integers(values: ArrayLike<number>, rank: 1 | 2): HostTensor {
  const shape = rank === 1 ? [values.length] : [1, values.length];
  return { dtype: 'int32', shape, data: Int32Array.from(values) };
}

/** What runs a model; one that is there as tensors is run op by op. */
export function executorOf(model: TextFillingModel): Executor {
  return 'executor' in model ? model.executor : eagerExecutor(model.parameters);
}
