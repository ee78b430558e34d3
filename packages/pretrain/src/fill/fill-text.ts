import { ConfigError, type ImageInput, ops, type RgbImage } from '@imglish/core';
import { patchify, preprocessImage } from '@imglish/tokenizers';
import { type Tensor2D, tensor1d, tensor2d, tensor3d, tidy } from '@tensorflow/tfjs-core';
import type { PretrainedModel } from '../bundle/pretrained-model.js';
import { maskedLogits } from '../objectives/masked-data-modelling.js';

/** One possible word for a blank. */
export interface WordGuess {
  /** The piece as the tokenizer has it; U+2581 stands for a space before it. */
  piece: string;
  id: number;
  probability: number;
}

export interface FilledText {
  /** The text with every blank filled in by its most probable piece. */
  text: string;
  /** For each `<mask>`, from left to right, the most probable pieces. */
  blanks: WordGuess[][];
}

export interface FillTextOptions {
  /** What the text is about. */
  image?: RgbImage;
  /** Guesses for each blank. */
  top?: number;
}

/**
 * Fills in the blanks of a text: every `<mask>` in it stands for one piece. With an image the text
 * is read together with it.
 *
 * Throws `config/no-blank` for a text without `<mask>` and `config/text-too-long`.
 */
export async function fillText(
  model: PretrainedModel,
  text: string,
  { image, top = 5 }: FillTextOptions = {},
): Promise<FilledText> {
  const { config, parameters, tokenizer } = model;
  const ids = tokenizer.encode(text);
  const framed = Int32Array.from([tokenizer.bosId, ...ids, tokenizer.eosId]);
  const slots = [...framed.keys()].filter((i) => framed[i] === tokenizer.maskId);
  if (slots.length === 0) {
    throw new ConfigError({
      code: 'config/no-blank',
      where: 'fillText',
      expected: 'a text with at least one <mask>',
      got: JSON.stringify(text),
    });
  }
  const longest = config.maxTextPositions - 2;
  if (framed.length > longest) {
    throw new ConfigError({
      code: 'config/text-too-long',
      where: 'fillText',
      expected: `at most ${longest} ids, <s> and </s> included`,
      got: `${framed.length}`,
    });
  }
  const probabilities = tidy(() => {
    const logits = maskedLogits(parameters, config, {
      inputs: {
        textIds: tensor2d(framed, [1, framed.length], 'int32'),
        ...(image ? { image: imageInput(model, image) } : {}),
      },
      words: {
        positions: tensor1d(slots, 'int32'),
        labels: tensor1d(
          slots.map(() => 0),
          'int32',
        ),
        weights: tensor1d(slots.map(() => 1)),
        count: slots.length,
      },
    });
    return ops.softmax(logits.words!) as Tensor2D; // [blanks, V]
  });
  const values = await probabilities.data();
  const width = probabilities.shape[1];
  probabilities.dispose();
  const blanks = slots.map((_, i) =>
    mostProbable(values.subarray(i * width, (i + 1) * width), tokenizer.vocabSize, top).map(
      ([id, probability]) => ({ id, piece: tokenizer.idToPiece(id), probability }),
    ),
  );
  const filled = framed.slice();
  slots.forEach((slot, i) => {
    filled[slot] = blanks[i]![0]!.id;
  });
  return { text: tokenizer.decode(filled), blanks };
}

/** An image as the patches that the model embeds `[1, P, 3 p p]`. */
export function imageInput(
  { config, preprocessor }: PretrainedModel,
  image: RgbImage,
): Extract<ImageInput, { grid: unknown }> {
  const pixels = preprocessImage(image, preprocessor);
  const { data, grid } = patchify(pixels, config.patchSize);
  const patches = tensor3d(data, [1, grid[0] * grid[1], 3 * config.patchSize ** 2]);
  return { patches, grid };
}

/** The `top` largest of the first `size` values, with their indices, largest first. */
export function mostProbable(
  values: ArrayLike<number>,
  size: number,
  top: number,
): [number, number][] {
  return Array.from({ length: size }, (_, i): [number, number] => [i, values[i]!])
    .sort((a, b) => b[1] - a[1])
    .slice(0, top);
}
