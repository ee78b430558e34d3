import type { RgbImage } from '@imglish/core';
import { histograms, lookUp, lookUpEach, toByte } from './pixels-of.js';

/** The values of a channel spread over 0 … 255: Pillow's `ImageOps.autocontrast`. */
export function autoContrast(image: RgbImage): RgbImage {
  const tables = histograms(image).map((counts) => {
    const low = counts.findIndex((count) => count > 0);
    const high = counts.findLastIndex((count) => count > 0);
    if (high <= low) return Uint8Array.from(counts.keys());
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return Uint8Array.from(counts, (_, value) => toByte(value * scale + offset));
  });
  return lookUpEach(image, tables);
}

/** Each value about as frequent as any other: Pillow's `ImageOps.equalize`. */
export function equalize(image: RgbImage): RgbImage {
  const tables = histograms(image).map((counts) => {
    const used = counts.filter((count) => count > 0);
    const step = Math.floor(used.slice(0, -1).reduce((sum, count) => sum + count, 0) / 255);
    if (used.length <= 1 || step === 0) return Uint8Array.from(counts.keys());
    let below = Math.floor(step / 2);
    return Uint8Array.from(counts, (count) => {
      const value = Math.min(255, Math.floor(below / step));
      below += count;
      return value;
    });
  });
  return lookUpEach(image, tables);
}

/** 255 − v. */
export function invert(image: RgbImage): RgbImage {
  return lookUp(
    image,
    TABLE.map((value) => 255 - value),
  );
}

/** Values from `threshold` on inverted. */
export function solarize(image: RgbImage, threshold: number): RgbImage {
  return lookUp(
    image,
    TABLE.map((value) => (value < threshold ? value : 255 - value)),
  );
}

/** `add` more for values below 128, at most 255. */
export function solarizeAdd(image: RgbImage, add: number): RgbImage {
  return lookUp(
    image,
    TABLE.map((value) => (value < 128 ? Math.min(255, value + add) : value)),
  );
}

/** The highest `bits` bits of each value, 0 to 8. */
export function posterize(image: RgbImage, bits: number): RgbImage {
  return lookUp(
    image,
    TABLE.map((value) => value & ~(2 ** (8 - bits) - 1)),
  );
}

const TABLE: readonly number[] = /* @__PURE__ */ Array.from({ length: 256 }, (_, value) => value);
