import { DataError } from '@imglish/core';
import type { Renders } from '../catalogue/lookalikes.js';
import type { EmojiStyle } from '../styles.js';
import { type ColourName, dominantColour, turnHues } from './colours.js';
import type { SceneConcept } from './concepts.js';

/** A drawing cut out along its edges: RGBA bytes, `[height, width, 4]`. */
export interface Cutout {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** A concept in a style, and what colours it can have. */
export interface Drawing {
  readonly concept: SceneConcept;
  readonly style: EmojiStyle;
  readonly cutout: Cutout;
  /** For each turn of the hues by 30 degrees, none first: the colour that people would name. */
  readonly colours: readonly (ColourName | undefined)[];
}

/** Hues are turned by multiples of this. */
export const HUE_STEP = 30;

/** A drawing is this many pixels long where its colour is measured. */
const MEASURED = 32;

/** The drawings of concepts in a style. */
export function drawingsOf(
  concepts: readonly SceneConcept[],
  style: EmojiStyle,
  { size, ids, pixels }: Renders,
): Drawing[] {
  return concepts.map((concept) => {
    const index = ids.indexOf(concept.id);
    if (index < 0) {
      throw new DataError({
        code: 'data/icon',
        where: 'drawingsOf',
        expected: `${style} to draw ${concept.noun} (${concept.id})`,
        got: 'no such icon',
        fix: 'The icon set is not of the version that Imglish pins.',
      });
    }
    const bytes = size * size * 4;
    const cutout = cutOut(pixels.subarray(index * bytes, (index + 1) * bytes), size);
    const { rgba } = resample(cutout, MEASURED);
    const colours = Array.from({ length: 360 / HUE_STEP }, (_, turn) =>
      dominantColour(turnHues(rgba, turn * HUE_STEP)),
    );
    return { concept, style, cutout, colours };
  });
}

/** The smallest part of a picture that holds all that is at least half opaque. */
export function cutOut(rgba: Uint8Array, size: number): Cutout {
  let [left, top, right, bottom] = [size, size, 0, 0];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (rgba[(y * size + x) * 4 + 3]! < 128) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = y + 1;
    }
  }
  const [width, height] = [right - left, bottom - top];
  const cut = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * size + left) * 4;
    cut.set(rgba.subarray(from, from + width * 4), y * width * 4);
  }
  return { width, height, rgba: cut };
}

/** Width and height of a cut-out with its longer side scaled to `length` pixels. */
export function scaledSize({ width, height }: Cutout, length: number): [number, number] {
  const scale = length / Math.max(width, height);
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/**
 * A cut-out with its longer side scaled to `length` pixels: each pixel is the mean, weighted by
 * opacity, of the area it covers (box filter; enlarging repeats pixels).
 */
export function resample(cutout: Cutout, length: number): Cutout {
  const { width, height, rgba } = cutout;
  const [toWidth, toHeight] = scaledSize(cutout, length);
  const columns = spans(width, toWidth);
  const rows = spans(height, toHeight);
  // Sums of colour × opacity × area and of opacity × area, along the rows first.
  const across = new Float32Array(toWidth * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < toWidth; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let total = 0;
      const { first, weights } = columns[x]!;
      for (let i = 0; i < weights.length; i++) {
        const from = (y * width + first + i) * 4;
        const opacity = rgba[from + 3]! * weights[i]!;
        red += rgba[from]! * opacity;
        green += rgba[from + 1]! * opacity;
        blue += rgba[from + 2]! * opacity;
        total += opacity;
      }
      const at = (y * toWidth + x) * 4;
      across[at] = red;
      across[at + 1] = green;
      across[at + 2] = blue;
      across[at + 3] = total;
    }
  }
  const out = new Uint8Array(toWidth * toHeight * 4);
  for (let y = 0; y < toHeight; y++) {
    const { first, weights } = rows[y]!;
    for (let x = 0; x < toWidth; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let total = 0;
      for (let i = 0; i < weights.length; i++) {
        const from = ((first + i) * toWidth + x) * 4;
        const weight = weights[i]!;
        red += across[from]! * weight;
        green += across[from + 1]! * weight;
        blue += across[from + 2]! * weight;
        total += across[from + 3]! * weight;
      }
      if (total === 0) continue;
      const at = (y * toWidth + x) * 4;
      out[at] = Math.round(red / total);
      out[at + 1] = Math.round(green / total);
      out[at + 2] = Math.round(blue / total);
      out[at + 3] = Math.round(total);
    }
  }
  return { width: toWidth, height: toHeight, rgba: out };
}

/** The pixels that one pixel of a scaled row covers, and their weights (sum 1). */
interface Span {
  readonly first: number;
  readonly weights: readonly number[];
}

function spans(from: number, to: number): Span[] {
  return Array.from({ length: to }, (_, index) => {
    const [start, end] = [(index * from) / to, ((index + 1) * from) / to];
    const first = Math.floor(start + 1e-9);
    const weights: number[] = [];
    for (let source = first; source < end - 1e-9; source++) {
      weights.push((Math.min(end, source + 1) - Math.max(start, source)) / (end - start));
    }
    return { first, weights };
  });
}
