import type { PatchGrid } from '../image/patches.js';
import type { Pixels } from '../image/pixels.js';

/** A tensor in host memory, as weights files hold it. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Reads an image as a sentence of visual words: one code out of `codes` per patch, row by row.
 *
 * Methods may be asynchronous, because a learned tokenizer computes on a device.
 */
export interface VisualTokenizer {
  /** Size of the codebook; codes are 0 … codes − 1. */
  readonly codes: number;
  /** The grid `[h, w]` of codes that an image of this size has; `ImageError` if it has none. */
  grid(height: number, width: number): PatchGrid;
  /** Pixels `[3, H, W]`, normalised as in training, to codes `[h · w]`. */
  encode(pixels: Pixels): Int32Array | Promise<Int32Array>;
  /** Codes back to pixels; absent where codes stand for features that have no picture. */
  decode?(codes: Int32Array, grid: PatchGrid): Pixels | Promise<Pixels>;
  /** What is needed besides the tensors to make the tokenizer again; plain JSON. */
  toJSON(): VisualTokenizerConfig;
  /** The learned part, by name. */
  toTensors(): Record<string, HostTensor>;
  /** Frees what it holds on a device, if it computes on one; used again, it puts it there again. */
  dispose?(): Promise<void>;
}

/** `type` says which implementation the other keys belong to. */
export interface VisualTokenizerConfig {
  readonly type: string;
  readonly codes: number;
}
