import { corrupt } from '../image-error.js';
import type { PngHeader, PngPass } from './png-header.js';

/** Colours of a palette picture and what is transparent. */
export interface PngColors {
  /** `[entries, 3]`. */
  palette: Uint8Array | undefined;
  /** The tRNS chunk: alpha per palette entry, or the one transparent colour (16-bit samples). */
  transparency: Uint8Array | undefined;
}

/** Writes one row of a pass into the picture, `y` counted in the pass. */
export type RowWriter = (row: Uint8Array, pass: PngPass, y: number) => void;

/**
 * Makes the function that turns rows of samples into RGB bytes in `out` (`[height, width, 3]`).
 *
 * Samples of 16 bits keep their high byte, those below 8 are spread over 0 … 255. With a background
 * c, a pixel of alpha a becomes round((a·v + (255 − a)·c) / 255); without one, alpha is dropped.
 */
export function rowWriter(
  header: PngHeader,
  colors: PngColors,
  background: readonly [number, number, number] | undefined,
  out: Uint8Array,
): RowWriter {
  const { depth, channels } = header;
  if (!background && depth === 8 && header.color && !header.palette && !header.alpha) {
    return (row, pass, y) => {
      if (pass.dx === 1) out.set(row, (pass.y0 + y * pass.dy) * header.width * 3);
      else scatter(row, pass, y);
    };
  }
  return scatter;

  function scatter(row: Uint8Array, pass: PngPass, y: number): void {
    const step = 3 * pass.dx;
    let at = ((pass.y0 + y * pass.dy) * header.width + pass.x0) * 3;
    for (let x = 0; x < pass.width; x++, at += step) {
      const first = x * channels;
      let alpha = 255;
      if (header.palette) {
        const index = sample(row, depth, first);
        const { palette } = colors;
        if (!palette || 3 * index + 2 >= palette.length) {
          corrupt('decodePng', 'a palette index within the palette', `${index}`);
        }
        out[at] = palette[3 * index]!;
        out[at + 1] = palette[3 * index + 1]!;
        out[at + 2] = palette[3 * index + 2]!;
        alpha = colors.transparency?.[index] ?? 255;
      } else if (header.color) {
        out[at] = toByte(sample(row, depth, first), depth);
        out[at + 1] = toByte(sample(row, depth, first + 1), depth);
        out[at + 2] = toByte(sample(row, depth, first + 2), depth);
      } else {
        const gray = toByte(sample(row, depth, first), depth);
        out[at] = gray;
        out[at + 1] = gray;
        out[at + 2] = gray;
      }
      if (!background) continue;
      if (header.alpha) alpha = toByte(sample(row, depth, first + channels - 1), depth);
      else if (!header.palette && colors.transparency) {
        alpha = isTransparent(row, first, colors.transparency) ? 0 : 255;
      }
      for (let c = 0; c < 3; c++) {
        const mixed = alpha * out[at + c]! + (255 - alpha) * background[c]!;
        out[at + c] = Math.round(mixed / 255);
      }
    }
  }

  function isTransparent(row: Uint8Array, first: number, color: Uint8Array): boolean {
    for (let c = 0; c < channels; c++) {
      if (sample(row, depth, first + c) !== ((color[2 * c]! << 8) | color[2 * c + 1]!))
        return false;
    }
    return true;
  }
}

/** The i-th sample of a row, 0 … 2^depth − 1. */
export function sample(row: Uint8Array, depth: number, i: number): number {
  if (depth === 8) return row[i]!;
  if (depth === 16) return (row[2 * i]! << 8) | row[2 * i + 1]!;
  const bit = i * depth;
  return (row[bit >> 3]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

function toByte(value: number, depth: number): number {
  if (depth === 8) return value;
  if (depth === 16) return value >> 8;
  return (value * 255) / ((1 << depth) - 1);
}
