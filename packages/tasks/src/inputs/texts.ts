import { ConfigError, type HostTensor } from '@imglish/core';
import type { ModelText, TextTokenizer } from '@imglish/tokenizers';
import type { TaskReader } from '../task.js';

/** Texts of a batch on the host. */
export interface HostTexts {
  /** `[B, T]` int32. */
  readonly textIds: HostTensor;
  /** 1 at padding `[B, T]`. */
  readonly paddingMask: HostTensor;
}

/** Padded lengths of texts are multiples of this: few different shapes, little padding. */
const LENGTH_STEP = 8;

/** The tokenizer of a model; `config/no-tokenizer` where it has none. */
export function requireTokenizer(where: string, { config, tokenizer }: TaskReader): TextTokenizer {
  const refuse = (code: string, expected: string, got: string): never => {
    throw new ConfigError({ code, where, expected, got });
  };
  if (!tokenizer) return refuse('config/no-tokenizer', 'a model with a text tokenizer', 'none');
  const { vocabSize } = tokenizer;
  if (vocabSize > config.vocabularySize) {
    const expected = `a text tokenizer of at most ${config.vocabularySize} ids, the model's vocabularySize`;
    return refuse('config/vocabulary-size', expected, `${vocabSize} ids`);
  }
  return tokenizer;
}

/**
 * `<s>` words `</s>` `<pad>` of each text, padded to the longest of them or a little more, at most to
 * `maxLength`; by default to what the model reads. Longer texts are cut, as in the reference.
 */
export function encodeTexts(
  where: string,
  reader: TaskReader,
  texts: readonly string[],
  maxLength: number = reader.config.maxTextPositions - 2,
): ModelText[] {
  const tokenizer = requireTokenizer(where, reader);
  const ids = texts.map((text) => tokenizer.encode(text));
  const longest = ids.reduce((most, { length }) => Math.max(most, length + 2), 0);
  const length = Math.min(Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP, maxLength);
  return ids.map((own) => tokenizer.encodeForModel(own, length));
}

/** Texts of one length as tensors of a batch. */
export function hostTexts(texts: readonly Pick<ModelText, 'ids' | 'paddingMask'>[]): HostTexts {
  const length = texts[0]!.ids.length;
  const shape = [texts.length, length];
  const ids = new Int32Array(texts.length * length);
  const padding = new Float32Array(texts.length * length);
  texts.forEach((text, i) => {
    ids.set(text.ids, i * length);
    padding.set(text.paddingMask, i * length);
  });
  return {
    textIds: { dtype: 'int32', shape, data: ids },
    paddingMask: { dtype: 'float32', shape, data: padding },
  };
}
