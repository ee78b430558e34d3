import { disjointSets } from './clusters.js';

/** Drawings in one style: RGBA bytes, `[ids.length, size, size, 4]`. */
export interface Renders {
  readonly size: number;
  /** Ids of the concepts that this style draws. */
  readonly ids: readonly string[];
  readonly pixels: Uint8Array;
}

/**
 * How alike drawings of 32 × 32 pixels must be to count as one: the mean difference, of 255.
 * At 1.25 clock faces, the smallest of line-drawn faces and several flags fall together; at 1.5
 * drawings begin to that people tell apart at a glance.
 */
export const LOOKALIKE_TOLERANCE = 1.25;

/** Side of the blocks whose means are compared first. */
const BLOCK = 8;

/**
 * Groups of concepts that a style draws alike: their pixels (colours times opacity, and opacity)
 * differ by at most `tolerance` of 255 in the mean. Groups are transitive, in the order of `ids`.
 *
 * Means over 8×8 blocks differ by no more than the pixels do, so most pairs are settled by them
 * alone, without error.
 */
export function findLookalikes({ size, ids, pixels }: Renders, tolerance: number): string[][] {
  const values = premultiplied(pixels);
  const length = size * size * 4;
  const blocks = blockMeans(values, size, ids.length);
  const perDrawing = blocks.length / ids.length;
  const sets = disjointSets(ids.length);
  for (let a = 0; a < ids.length; a++) {
    for (let b = a + 1; b < ids.length; b++) {
      if (meanDifference(blocks, a, b, perDrawing) > tolerance) continue;
      if (meanDifference(values, a, b, length) <= tolerance) sets.unite(a, b);
    }
  }
  const groups = new Map<number, string[]>();
  ids.forEach((id, index) => {
    const root = sets.find(index);
    groups.set(root, [...(groups.get(root) ?? []), id]);
  });
  return [...groups.values()].filter((group) => group.length > 1);
}

function premultiplied(pixels: Uint8Array): Uint8Array {
  const values = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i += 4) {
    const opacity = pixels[i + 3]!;
    for (let c = 0; c < 3; c++) values[i + c] = Math.round((pixels[i + c]! * opacity) / 255);
    values[i + 3] = opacity;
  }
  return values;
}

function blockMeans(values: Uint8Array, size: number, count: number): Float32Array {
  const side = Math.ceil(size / BLOCK);
  const means = new Float32Array(count * side * side * 4);
  let at = 0;
  for (let drawing = 0; drawing < count; drawing++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const block = (drawing * side + Math.floor(y / BLOCK)) * side + Math.floor(x / BLOCK);
        for (let c = 0; c < 4; c++) means[block * 4 + c]! += values[at++]!;
      }
    }
  }
  // Each block weighs as one of side² equal parts, whatever its share of the pixels.
  const weight = (side * side) / (size * size);
  return means.map((sum) => sum * weight);
}

function meanDifference(
  values: Uint8Array | Float32Array,
  a: number,
  b: number,
  length: number,
): number {
  let sum = 0;
  for (let i = 0; i < length; i++) {
    sum += Math.abs(values[a * length + i]! - values[b * length + i]!);
  }
  return sum / length;
}
