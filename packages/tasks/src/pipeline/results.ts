/** A class and how probable it is, 0 … 1. */
export interface LabelScore {
  label: string;
  score: number;
}

/** An answer and how right it is expected to be, 0 … 1. */
export interface AnswerScore {
  answer: string;
  score: number;
}

export interface GeneratedText {
  generated_text: string;
}

/** One way to fill in a blank. */
export interface FilledMask {
  /** Probability, 0 … 1. */
  score: number;
  /** Id of the piece. */
  token: number;
  /** The piece as text. */
  token_str: string;
  /** The text with the blank filled in by this piece, and any others by their most probable ones. */
  sequence: string;
}

/** Vectors of several inputs, row by row. */
export interface FeatureMatrix {
  type: 'float32';
  /** `[inputs, D]`. */
  dims: [number, number];
  data: Float32Array;
}
