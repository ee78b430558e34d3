import { ConfigError, type RgbImage } from '@imglish/core';
import { modelPixels, requireTokenizersFit } from '../bundle/model-fit.js';
import { runMaskedLogits } from '../objectives/run-masked-logits.js';
import {
  executorOf,
  framedIds,
  integers,
  patchesOf,
  type TextFillingModel,
} from './model-inputs.js';
import { mostProbable, softmax } from './most-probable.js';

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
  /** For each `<mask>`, from left to right, the most probable pieces; special tokens are none. */
  blanks: WordGuess[][];
}

export interface FillTextOptions {
  /** What the text is about. */
  image?: RgbImage;
  /** Guesses for each blank, default 5. */
  top?: number;
}

/**
 * Fills in the blanks of a text: every `<mask>` in it stands for one piece. With an image the text
 * is read together with it.
 *
 * Throws `ConfigError`: `config/no-blank` for a text without `<mask>`, `config/text-too-long`,
 * `config/invalid-value`, and those of parts that do not belong together.
 */
export async function fillText(
  model: TextFillingModel,
  text: string,
  { image, top = 5 }: FillTextOptions = {},
): Promise<FilledText> {
  const { config, tokenizer, preprocessor } = model;
  requireTokenizersFit('fillText', config, model);
  const ids = framedIds('fillText', model, text);
  const slots = [...ids.keys()].filter((i) => ids[i] === tokenizer.maskId);
  if (slots.length === 0) {
    refuse('config/no-blank', 'a text with at least one <mask>', JSON.stringify(text));
  }
  if (!Number.isSafeInteger(top) || top < 1) {
    refuse('config/invalid-value', 'top to be an integer of at least 1', String(top));
  }
  const pixels = image && modelPixels('fillText', config, image, preprocessor);
  const { words } = await runMaskedLogits(executorOf(model), config, {
    textIds: integers(ids, 2),
    patches: pixels && patchesOf(model, pixels),
    wordPositions: integers(slots, 1),
  });
  const logits = words!.data as Float32Array; // [blanks, V]
  const classes = words!.shape[1]!;
  // A blank stands for a word: what marks beginning, end and the like is no answer.
  const { bosId, padId, eosId, unkId, maskId } = tokenizer;
  const special: number[] = [bosId, padId, eosId, unkId, maskId];
  const blanks = slots.map((_, i) =>
    mostProbable(
      softmax(logits.subarray(i * classes, (i + 1) * classes)),
      tokenizer.vocabSize,
      top + special.length,
    )
      .filter(([id]) => !special.includes(id))
      .slice(0, top)
      .map(([id, probability]) => ({ id, piece: tokenizer.idToPiece(id), probability })),
  );
  const filled = ids.slice();
  slots.forEach((slot, i) => {
    filled[slot] = blanks[i]![0]!.id;
  });
  return { text: tokenizer.decode(filled), blanks };
}

function refuse(code: string, expected: string, got: string): never {
  throw new ConfigError({ code, where: 'fillText', expected, got });
}
