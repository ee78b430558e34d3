import {
  beginDecoding,
  type DecodingState,
  decodeStep,
  disposeDecodingState,
  encodeImages,
  type HostTensor,
  type ModelConfig,
  type Parameters,
  reorderTexts,
  toTensor,
} from '@imglish/core';
import { type Tensor4D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import {
  type CaptionDecoder,
  countTo,
  type Decoding,
  type DecodingOptions,
  type NextWords,
  nextWords,
  withMasks,
} from './decoder.js';
import { candidatesAt } from './next-words.js';

/** Decodes op by op on the current backend. The parameters stay the caller's. */
export function eagerCaptionDecoder(parameters: Parameters, config: ModelConfig): CaptionDecoder {
  return {
    config,
    begin: async (pixels, options) => new EagerDecoding(parameters, config, pixels, options),
    dispose: async () => {},
  };
}

class EagerDecoding implements Decoding {
  readonly #parameters: Parameters;
  readonly #config: ModelConfig;
  readonly #options: DecodingOptions;
  #state: DecodingState;
  #position = 0;

  constructor(
    parameters: Parameters,
    config: ModelConfig,
    pixels: HostTensor,
    options: DecodingOptions,
  ) {
    this.#parameters = parameters;
    this.#config = config;
    this.#options = options;
    this.#state = tidy(() => {
      const image = { pixels: toTensor(pixels) as Tensor4D };
      const images = encodeImages(parameters, config, image);
      return beginDecoding(images, options.beams, options.maxLength);
    });
  }

  async step(words: Int32Array, rows: Int32Array): Promise<readonly NextWords[]> {
    const { maskId, words: known = this.#config.vocabularySize } = this.#options;
    const before = this.#state;
    const { state, logProbs, ids } = tidy(() => {
      const inOrder = reorderTexts(before, tensor1d(rows, 'int32'));
      const fed = tensor2d(withMasks(words, maskId), [words.length, 2], 'int32');
      const position = tensor1d([this.#position], 'int32');
      const decoded = decodeStep(this.#parameters, this.#config, inOrder, fed, position);
      return {
        ...candidatesAt(decoded.text, this.#parameters, this.#config, this.#options),
        state: decoded.state,
      };
    });
    disposeDecodingState(before);
    this.#state = state;
    this.#position += 1;
    try {
      const [values, found] = await Promise.all([logProbs.data<'float32'>(), ids?.data<'int32'>()]);
      // Some backends give the very arrays that they compute with.
      const named = found?.slice() ?? countTo(known);
      return nextWords(named, values.slice(), words.length);
    } finally {
      logProbs.dispose();
      ids?.dispose();
    }
  }

  async dispose(): Promise<void> {
    disposeDecodingState(this.#state);
    this.#state = { layers: [], maxLength: 0 };
  }
}
