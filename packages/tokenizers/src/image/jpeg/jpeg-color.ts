/** How the channels of a JPEG are to be read. */
export type JpegColorSpace = 'gray' | 'ycc' | 'rgb' | 'cmyk' | 'ycck';

/**
 * libjpeg's rule: three channels are YCbCr unless Adobe's marker says 0 or, with neither marker,
 * the ids spell R, G, B; four are CMYK unless Adobe's marker says 2.
 */
export function jpegColorSpace(
  ids: readonly number[],
  jfif: boolean,
  adobeTransform: number | undefined,
): JpegColorSpace {
  if (ids.length === 1) return 'gray';
  if (ids.length === 4) return adobeTransform === 2 ? 'ycck' : 'cmyk';
  if (jfif) return 'ycc';
  if (adobeTransform !== undefined) return adobeTransform === 0 ? 'rgb' : 'ycc';
  return String.fromCharCode(...ids) === 'RGB' ? 'rgb' : 'ycc';
}

const ONE = 1 << 16;
const RED_CR = Math.round(1.402 * ONE);
const BLUE_CB = Math.round(1.772 * ONE);
const GREEN_CB = Math.round(0.34414 * ONE);
const GREEN_CR = Math.round(0.71414 * ONE);
const HALF = ONE / 2;

/**
 * Writes one row of RGB from the rows of the channels; the fixed-point arithmetic is libjpeg's.
 *
 * CMYK is stored inverted, as Adobe does; a colour becomes (255 − ink) scaled by (255 − black), as
 * in Pillow.
 */
export function writeRgbRow(
  space: JpegColorSpace,
  channels: readonly Uint8Array[],
  width: number,
  out: Uint8ClampedArray,
  at: number,
): void {
  const [a, b, c, d] = channels;
  if (space === 'gray') {
    for (let x = 0, i = at; x < width; x++) {
      const gray = a![x]!;
      out[i++] = gray;
      out[i++] = gray;
      out[i++] = gray;
    }
  } else if (space === 'rgb') {
    for (let x = 0, i = at; x < width; x++) {
      out[i++] = a![x]!;
      out[i++] = b![x]!;
      out[i++] = c![x]!;
    }
  } else if (space === 'cmyk') {
    for (let x = 0, i = at; x < width; x++) {
      out[i++] = underBlack(a![x]!, d![x]!);
      out[i++] = underBlack(b![x]!, d![x]!);
      out[i++] = underBlack(c![x]!, d![x]!);
    }
  } else {
    for (let x = 0, i = at; x < width; x++, i += 3) {
      const luma = a![x]!;
      const cb = b![x]! - 128;
      const cr = c![x]! - 128;
      out[i] = luma + ((RED_CR * cr + HALF) >> 16);
      out[i + 1] = luma + ((HALF - GREEN_CB * cb - GREEN_CR * cr) >> 16);
      out[i + 2] = luma + ((BLUE_CB * cb + HALF) >> 16);
      if (space === 'ycck') {
        for (let k = 0; k < 3; k++) out[i + k] = underBlack(255 - out[i + k]!, d![x]!);
      }
    }
  }
}

/** round(light · black / 255) in the way of Pillow's fixed point; both are inverted inks. */
function underBlack(light: number, black: number): number {
  const ink = (255 - light) * black + 128;
  return Math.max(0, black - ((ink + (ink >> 8)) >> 8));
}
