import type { RgbImage } from '@imglish/core';

/** An example with other images in the places of its own; the second of a pair is part 1. */
export function mapImages<E extends object>(
  example: E,
  f: (image: RgbImage, part: number) => RgbImage,
): E {
  const { image, images } = example as { image?: RgbImage; images?: readonly RgbImage[] };
  return {
    ...example,
    ...(image ? { image: f(image, 0) } : {}),
    ...(images ? { images: images.map(f) } : {}),
  };
}

/** The same with grey images of the same size: what is left is the text. */
export function blind<E extends object>(example: E): E {
  return mapImages(example, ({ width, height }) => ({
    width,
    height,
    data: new Uint8Array(3 * width * height).fill(128),
  }));
}
