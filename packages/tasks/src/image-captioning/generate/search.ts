import type { NextWords } from './decoder.js';

/** A caption that ended, by `</s>` or for want of room. */
export interface Hypothesis {
  /** Without special tokens at its ends. */
  readonly words: readonly number[];
  /** Σ log p of the words and of the end under the model; of a cut one, that of the word cut off. */
  readonly logProb: number;
  /** logProb / lengthᵃ: length counts words, `<s>` and `</s>`, a is the length penalty. */
  readonly score: number;
  /** Whether it came to `</s>`; else there was no room for another word. */
  readonly ended: boolean;
}

export interface Caption extends Hypothesis {
  /** Every caption that the search saw end, in that order. */
  readonly hypotheses: readonly Hypothesis[];
}

/** What one image's texts go on with. */
export interface Move {
  readonly words: readonly number[];
  /** Which of the texts so far each continues. */
  readonly parents: readonly number[];
}

/** Finds the caption of one image, word by word. */
export interface Search {
  readonly done: boolean;
  /**
   * The next move, from what may come next in each of the image's texts. `length` counts a text's
   * tokens with `<s>` and the `<mask>` where the word will stand. Undefined once it is done.
   */
  advance(next: readonly NextWords[], length: number): Move | undefined;
  result(): Caption;
}
