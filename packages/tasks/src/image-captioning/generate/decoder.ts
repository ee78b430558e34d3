import type { HostTensor, ModelConfig } from '@imglish/core';

/** The special words of a vocabulary by their ids; a text tokenizer has them. */
export interface CaptionVocabulary {
  /** `<s>` */
  readonly bosId: number;
  readonly padId: number;
  /** `</s>` */
  readonly eosId: number;
  readonly maskId: number;
  /** How many ids there are, where a model may have rows for more; by default as many as it has. */
  readonly vocabSize?: number;
}

export interface DecodingOptions {
  /** Texts that are written for each image at once: its beams. */
  readonly beams: number;
  /** Tokens that a text has room for, `<s>` and `<mask>` among them. */
  readonly maxLength: number;
  /** How many of the most probable next words are looked at, or all of the vocabulary. */
  readonly candidates: number | 'all';
  /** How many of the model's ids, from 0 on, are words; by default all. */
  readonly words?: number;
  readonly maskId: number;
}

/** Possible next words of a text: the most probable first, or all words in the order of their ids. */
export interface NextWords {
  readonly ids: Int32Array;
  /** log p of each under the model. */
  readonly logProbs: Float32Array;
}

/** Texts that are being written, S images × beams of them, image by image. */
export interface Decoding {
  /**
   * Goes on by one word: `words [S × beams]` are the last words of the texts (`<s>` at first), and text
   * i continues what text `rows[i]` of the same image was so far. What may come next, of every text.
   */
  step(words: Int32Array, rows: Int32Array): Promise<readonly NextWords[]>;
  dispose(): Promise<void>;
}

/** A captioning model on an engine. */
export interface CaptionDecoder {
  readonly config: ModelConfig;
  /** Encodes images, once whatever the beams: normalised pixels `[S, 3, H, W]`. */
  begin(pixels: HostTensor, options: DecodingOptions): Promise<Decoding>;
  /** Frees what it made. The parameters that it was given stay. */
  dispose(): Promise<void>;
}

/** `[texts × candidates]` as one entry for each text. */
export function nextWords(ids: Int32Array, logProbs: Float32Array, texts: number): NextWords[] {
  const each = logProbs.length / texts;
  return Array.from({ length: texts }, (_, text) => {
    const [start, end] = [text * each, (text + 1) * each];
    return {
      // Of all words the ids are the same for every text.
      ids: ids.length === each ? ids : ids.subarray(start, end),
      logProbs: logProbs.subarray(start, end),
    };
  });
}

/** 0 … n − 1: the ids of all words. */
export function countTo(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i);
}

/** Each text's last word and `<mask>`. */
export function withMasks(words: Int32Array, maskId: number): Int32Array {
  const ids = new Int32Array(2 * words.length).fill(maskId);
  words.forEach((word, text) => {
    ids[2 * text] = word;
  });
  return ids;
}
