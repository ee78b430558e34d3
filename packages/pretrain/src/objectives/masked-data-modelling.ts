import {
  type Beit3Inputs,
  beit3,
  ConfigError,
  type EncoderOptions,
  linearSpecs,
  type ModelConfig,
  namedLinear,
  ops,
  type ParameterSpecs,
  type Parameters,
} from '@imglish/core';
import type { LossTerm } from '@imglish/train';
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';

/**
 * Masked data modelling, BEiT-3's one objective (arXiv 2208.10442, section 2.2): what is masked in
 * a text, an image or a pair is predicted from what is not. Words are predicted as words, patches
 * as the codes of a visual tokenizer; the loss falls on masked positions only.
 */
export interface MaskedStream {
  inputs: Beit3Inputs;
  /** Present where words are masked. */
  words?: MaskedSlots;
  /** Present where patches are masked. */
  patches?: MaskedSlots;
  /** What residual branches are multiplied by `[layers, 2, B]`, if there is stochastic depth. */
  dropPath?: Tensor3D | undefined;
}

/** A fixed number M of slots for masked positions; an empty slot has weight 0. */
export interface MaskedSlots {
  /** Row-major indices into `[B, T]` (words) or `[B, P]` (patches), `[M]` int32. */
  positions: Tensor1D;
  /** Word or code that belongs there `[M]` int32. */
  labels: Tensor1D;
  /** 1 or 0 `[M]`. */
  weights: Tensor1D;
  /** Slots of weight 1. */
  count: number;
}

/** What logits are computed from: of the slots only where they are. */
export type MaskedInputs = Pick<MaskedStream, 'inputs' | 'dropPath'> & {
  words?: Pick<MaskedSlots, 'positions'>;
  patches?: Pick<MaskedSlots, 'positions'>;
};

/** Logits of the masked slots: `[M, V]` over words, `[M, K]` over visual codes. */
export type MaskedLogits = {
  words?: Tensor2D;
  patches?: Tensor2D;
};

/** `mlm_head` over the vocabulary, `mim_head` over the visual codes; both shared by the streams. */
export function maskedDataHeadSpecs(config: ModelConfig, codes: number): ParameterSpecs {
  return {
    ...linearSpecs('mlm_head', config.dim, config.vocabularySize),
    ...linearSpecs('mim_head', config.dim, codes),
  };
}

/**
 * Logits at the masked positions of one stream; the heads run on those only.
 *
 * Throws `config/masked-stream` for masked words without a text, or patches without an image.
 */
export function maskedLogits(
  parameters: Parameters,
  config: ModelConfig,
  { inputs, words, patches, dropPath }: MaskedInputs,
  encoder: EncoderOptions = {},
): MaskedLogits {
  const { image, text } = beit3(parameters, config, inputs, { ...encoder, dropPath });
  const logits: MaskedLogits = {};
  if (words) {
    logits.words = head(parameters, 'mlm_head', text ?? missing('text', 'words'), words.positions);
  }
  if (patches) {
    const withCls = image ?? missing('image', 'patches'); // [B, 1 + P, D]
    const withoutCls = ops.slice(withCls, [0, 1, 0], [-1, -1, -1]); // [B, P, D]
    logits.patches = head(parameters, 'mim_head', withoutCls, patches.positions);
  }
  return logits;
}

/** Σ over the slots of the cross entropy, for words and patches. */
export function maskedLosses(
  logits: MaskedLogits,
  { words, patches }: Pick<MaskedStream, 'words' | 'patches'>,
): { words?: LossTerm; patches?: LossTerm } {
  const term = (z: Tensor2D, slots: MaskedSlots): LossTerm => ({
    sum: ops.maskedCrossEntropy(z, slots.labels, slots.weights),
    count: slots.count,
  });
  return {
    ...(logits.words && words ? { words: term(logits.words, words) } : {}),
    ...(logits.patches && patches ? { patches: term(logits.patches, patches) } : {}),
  };
}

function head(parameters: Parameters, name: string, x: Tensor3D, positions: Tensor1D): Tensor2D {
  const rows = ops.reshape(x, [-1, x.shape[2]]) as Tensor2D; // [B n, D]
  return namedLinear(ops.gatherRows(rows, positions), parameters, name); // [M, V or K]
}

function missing(input: string, slots: string): never {
  throw new ConfigError({
    code: 'config/masked-stream',
    where: 'maskedLogits',
    expected: `an input with the ${input} whose ${slots} are masked`,
    got: `masked ${slots} without one`,
  });
}
