import { type PatchGrid, type Pixels, patchify } from '@imglish/tokenizers';

/** What a VQ-KD tokenizer learns to predict. */
export interface Teacher {
  /** For messages, and to tell runs apart. */
  readonly name: string;
  /** Numbers of a feature, T. */
  readonly dim: number;
  /**
   * Features of images of pixels in −1 … 1, on a grid of `h · w` patches, row by row: `[B, h · w, T]`.
   * The same for an image whatever others come with it.
   */
  features(images: readonly Pixels[], grid: PatchGrid): Float32Array | Promise<Float32Array>;
}

/**
 * The pixels themselves as a teacher: of each patch `[3 p p + 1]`, its pixels and √(3 p p).
 *
 * The loss compares directions only. The last number, the norm of a white patch, makes brightness
 * part of the direction: black, grey and white are 45° apart and not opposites or without direction.
 */
export function pixelTeacher(patchSize: number): Teacher {
  const size = 3 * patchSize * patchSize;
  return {
    name: 'pixels',
    dim: size + 1,
    features(images, [h, w]) {
      const features = new Float32Array(images.length * h * w * (size + 1));
      let to = 0;
      for (const pixels of images) {
        const { data } = patchify(pixels, patchSize);
        for (let at = 0; at < data.length; at += size, to += size + 1) {
          features.set(data.subarray(at, at + size), to);
          features[to + size] = Math.sqrt(size);
        }
      }
      return features;
    },
  };
}

const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD = [0.26862954, 0.26130258, 0.27577711];

/**
 * Pixels in −1 … 1, `[…, 3, H, W]` with `plane` = H W, as CLIP takes them: back to 0 … 1, clamped, less
 * CLIP's mean, by its deviation (modeling_vqkd.py:223–231).
 */
export function clipInput(pixels: Float32Array, plane: number): Float32Array {
  return pixels.map((value, i) => {
    const channel = Math.floor(i / plane) % 3;
    const unit = Math.min(1, Math.max(0, (value + 1) / 2));
    return (unit - CLIP_MEAN[channel]!) / CLIP_STD[channel]!;
  });
}
