import { ConfigError, type RandomStream } from '@imglish/core';
import { type ModelText, maskText, type TextTokenizer } from '@imglish/tokenizers';
import { blockMask, maskedPatchCount } from '../masking/block-mask.js';

/** One sample's masked positions on the host; `labels` stand at the same place as `positions`. */
export interface HostSlots {
  positions: number[];
  labels: number[];
}

/** A text with words masked: what the model reads, and what it has to say where. */
export interface MaskedTextSample {
  ids: Int32Array;
  paddingMask: Int32Array;
  slots: HostSlots;
}

/** The ratios of what is masked (arXiv 2208.10442, section 2.2). */
export interface MaskRatios {
  /** Of the words of a text alone. */
  text: number;
  /** Of the patches of an image, alone or in a pair. */
  image: number;
  /** Of the words of a pair. */
  pairText: number;
}

export const PAPER_MASK_RATIOS: MaskRatios = { text: 0.15, image: 0.4, pairText: 0.5 };

/**
 * How many slots a text of at most `maxLength` ids needs at that ratio: what `maskText` chooses of
 * the longest one.
 */
export function wordSlots(maxLength: number, ratio: number): number {
  return Math.max(1, Math.min(Math.floor(maxLength * ratio + 0.5), maxLength - 1));
}

/** Masks a text by the rule of `maskText`; the labels are the ids that stood there. */
export function maskedText(
  text: ModelText,
  tokenizer: TextTokenizer,
  ratio: number,
  random: RandomStream,
): MaskedTextSample {
  const masked = maskText(text.ids, text.length, ratio, tokenizer, random);
  const positions = [...masked.targets.keys()].filter((i) => masked.targets[i] === 1);
  return {
    ids: masked.ids,
    paddingMask: text.paddingMask,
    slots: { positions, labels: positions.map((i) => text.ids[i]!) },
  };
}

/** Masks `round(ratio × patches)` patches block by block; the labels are their codes `[P]`. */
export function maskedPatches(
  codes: ArrayLike<number>,
  grid: readonly [number, number],
  ratio: number,
  random: RandomStream,
): { mask: Uint8Array; slots: HostSlots } {
  if (codes.length !== grid[0] * grid[1]) {
    throw new ConfigError({
      code: 'config/visual-grid',
      where: 'maskedPatches',
      expected: `one visual code per patch of the grid ${grid[0]} × ${grid[1]}`,
      got: `${codes.length} codes`,
      fix: 'The visual tokenizer must cut images as the model does.',
    });
  }
  const mask = blockMask(grid, maskedPatchCount(grid, ratio), random);
  const positions = [...mask.keys()].filter((i) => mask[i] === 1);
  return { mask, slots: { positions, labels: positions.map((i) => codes[i]!) } };
}
