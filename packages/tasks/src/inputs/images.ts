import {
  ConfigError,
  type HostTensor,
  type ImageInput,
  type ModelConfig,
  patchGrid,
  type RgbImage,
  toTensor,
} from '@imglish/core';
import { type Pixels, patchify, preprocessImage } from '@imglish/tokenizers';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import type { BatchContext, TaskReader } from '../task.js';

/** What reads images; those of training may be augmented instead of only preprocessed. */
type ImageReader = Pick<TaskReader, 'config' | 'preprocessor'> &
  Partial<Pick<BatchContext, 'augmented'>>;

/**
 * An image as the normalised pixels `[3, H, W]` that the model reads; `config/image-size` where the
 * preprocessor makes another size.
 */
export function modelPixels(
  { config, preprocessor, augmented }: ImageReader,
  image: RgbImage,
): Pixels {
  const pixels = augmented?.(image) ?? preprocessImage(image, preprocessor);
  const [height, width] = config.imageSize;
  if (pixels.height === height && pixels.width === width) return pixels;
  throw new ConfigError({
    code: 'config/image-size',
    where: 'modelPixels',
    expected: `a preprocessor that makes images of ${height} × ${width}, the model's imageSize`,
    got: `${pixels.height} × ${pixels.width}`,
  });
}

/** Pixels of a batch as the patches that the model embeds `[B, P, 3 p p]`. */
export function hostPatches(
  { patchSize, ...config }: ModelConfig,
  images: readonly Pixels[],
): HostTensor {
  const [rows, columns] = patchGrid({ ...config, patchSize });
  const shape = [images.length, rows * columns, 3 * patchSize ** 2];
  const each = shape[1]! * shape[2]!;
  const data = new Float32Array(images.length * each);
  images.forEach((pixels, i) => {
    data.set(patchify(pixels, patchSize).data, i * each);
  });
  return { dtype: 'float32', shape, data };
}

/** Images of a batch, preprocessed and cut into patches. */
export function hostImages(reader: ImageReader, images: readonly RgbImage[]): HostTensor {
  return hostPatches(
    reader.config,
    images.map((image) => modelPixels(reader, image)),
  );
}

/** Patches as the model takes them, on its own grid. */
export function imageInput(config: ModelConfig, patches: Tensor): ImageInput {
  return { patches: patches as Tensor3D, grid: patchGrid(config) };
}

/** The same of patches on the host; the tensor is the caller's. */
export function imageTensor(config: ModelConfig, patches: HostTensor): ImageInput {
  return imageInput(config, toTensor(patches));
}
