import { ConfigError, type HostTensor } from '@imglish/core';
import {
  type PatchGrid,
  type Pixels,
  type PreprocessorConfig,
  patchify,
  preprocessImage,
  toImage,
} from '@imglish/tokenizers';

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
  /** Frees what it holds, if it holds anything. */
  dispose?(): Promise<void>;
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

/** A model of pictures that is to be a teacher, however it is run. */
export interface PictureModel {
  readonly name: string;
  /** Numbers of a feature. */
  readonly dim: number;
  /** How pictures are prepared for a grid `[h, w]`. */
  preprocessor(grid: PatchGrid): PreprocessorConfig;
  /**
   * Features of pictures `[B, 3, H, W]`: of each patch row by row `[B, h · w, T]`, also with one more in
   * front (`<cls>`), which is left out, or on a grid `[B, T, h, w]`.
   */
  run(pictures: HostTensor): Promise<{ shape: readonly number[]; data: Float32Array }>;
  dispose?(): Promise<void>;
}

/**
 * A teacher that sees with a model. Throws `config/teacher` where the model's features are not on the
 * grid that is asked for.
 */
export function modelTeacher(model: PictureModel): Teacher {
  return {
    name: model.name,
    dim: model.dim,
    async features(images, grid) {
      const preprocessor = model.preprocessor(grid);
      const prepared = images.map((pixels) => preprocessImage(toImage(pixels), preprocessor));
      const { height, width } = prepared[0]!;
      const data = new Float32Array(prepared.length * 3 * height * width);
      prepared.forEach((pixels, i) => {
        data.set(pixels.data, i * pixels.data.length);
      });
      const shape = [prepared.length, 3, height, width];
      return onGrid(await model.run({ dtype: 'float32', shape, data }), grid, model);
    },
    ...(model.dispose ? { dispose: () => model.dispose!() } : {}),
  };
}

/** Features of a model as `[B, h · w, T]`. */
function onGrid(
  { shape, data }: { shape: readonly number[]; data: Float32Array },
  [h, w]: PatchGrid,
  { name, dim }: PictureModel,
): Float32Array {
  const count = h * w;
  const batch = shape[0]!;
  const rows = shape.length === 3 && shape[2] === dim ? shape[1]! : 0;
  if (rows === count) return data;
  const features = new Float32Array(batch * count * dim);
  if (rows === count + 1) {
    for (let i = 0; i < batch; i++) {
      const from = (i * rows + 1) * dim;
      features.set(data.subarray(from, from + count * dim), i * count * dim);
    }
    return features;
  }
  if (shape.length === 4 && shape[1] === dim && shape[2] === h && shape[3] === w) {
    for (let i = 0; i < batch; i++) {
      for (let d = 0; d < dim; d++) {
        const plane = (i * dim + d) * count;
        for (let at = 0; at < count; at++) features[(i * count + at) * dim + d] = data[plane + at]!;
      }
    }
    return features;
  }
  throw new ConfigError({
    code: 'config/teacher',
    where: 'modelTeacher',
    expected: `features [B, ${count}, ${dim}], [B, 1 + ${count}, ${dim}] or [B, ${dim}, ${h}, ${w}] from ${name}`,
    got: `[${shape}]`,
  });
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
