import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { ConfigError } from '../errors/errors.js';
import type { Parameters } from '../parameters/parameters.js';
import type { ModelConfig } from './config.js';
import { type EmbeddedSegment, embedImage, embedText, type ImageInput } from './embeddings.js';
import { type EncoderOptions, encode } from './encoder.js';
import { joined, parted } from './layer.js';
import { LANGUAGE, VISION } from './routing.js';

/** What BEiT-3 reads: an image, a text, or both. */
export interface Beit3Inputs {
  image?: ImageInput | undefined;
  /** 1 where a patch is replaced by the mask token `[B, P]`. */
  imageMask?: Tensor2D | undefined;
  /** Token ids `[B, T]` int32. */
  textIds?: Tensor2D | undefined;
  /** 1 where the text is padding `[B, T]`. */
  paddingMask?: Tensor2D | undefined;
}

export interface Beit3Output {
  /** `<cls>` and patches `[B, 1 + P, D]`, if an image was given. */
  image: Tensor3D | undefined;
  /** Text `[B, T, D]`, if one was given. */
  text: Tensor3D | undefined;
  /** Both, image first `[B, N, D]`; the reference's `encoder_out`. */
  sequence: Tensor3D;
  /** Tokens before positions are added `[B, N, D]`; the reference's `encoder_embedding`. */
  embedding: Tensor3D;
  /** On request: the input of layer 0 and the output of every layer `[B, N, D]`. */
  hiddenStates: Tensor3D[];
}

/**
 * BEiT-3: embeds an image, a text or both (image first) and encodes them together
 * (arXiv 2208.10442; reference: BEiT3.py:45-96).
 *
 * Call inside `tidy` or `valueAndGradients`: intermediate tensors live as long as that.
 */
export function beit3(
  parameters: Parameters,
  config: ModelConfig,
  inputs: Beit3Inputs,
  options: EncoderOptions = {},
): Beit3Output {
  const parts: EmbeddedSegment[] = [];
  if (inputs.image) parts.push(embedImage(parameters, config, inputs.image, inputs.imageMask));
  if (inputs.textIds) {
    parts.push(embedText(parameters, config, inputs.textIds, inputs.paddingMask));
  }
  if (parts.length === 0) {
    throw new ConfigError({
      code: 'config/no-input',
      where: 'beit3',
      expected: 'an image, textIds, or both',
      got: 'neither',
    });
  }
  const { segments, hiddenStates } = encode(parameters, config, parts, options);
  const sequence = joined(segments);
  // Taken from the whole, so that what a head leaves unused has a zero gradient, as in the
  // reference, and not none: the optimizer decays the one and skips the other.
  const pieces = parted(
    sequence,
    parts.map(({ way, x }) => ({ way, length: x.shape[1] })),
  );
  const of = (way: string) => pieces[parts.findIndex((part) => part.way === way)];
  return {
    image: of(VISION),
    text: of(LANGUAGE),
    sequence,
    embedding: joined(parts.map(({ embedding }) => embedding)),
    hiddenStates,
  };
}
