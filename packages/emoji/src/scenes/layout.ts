import type { RandomStream } from '@imglish/core';
import type { Box } from './scene.js';

/** The smallest length of an object as a share of the picture's side: 15 pixels of 64. */
export const SMALLEST = 0.23;

/** Boxes may overlap by this share of the smaller one. */
const OVERLAP = 0.16;
/** Tries to place one object before the layout is given up. */
const TRIES = 40;

/** Lengths of `count` objects as shares of the picture's side: fewer are larger, some big, some small. */
export function drawLengths(stream: RandomStream, count: number): number[] {
  const most = [0, 0.85, 0.6, 0.52, 0.48, 0.42, 0.38, 0.32, 0.3][count]!;
  const least = [0, 0.4, 0.27, 0.25][count] ?? SMALLEST;
  return Array.from({ length: count }, () => {
    // Lengths near the middle are neither big nor small: they are rarer.
    const u = stream.uniform();
    const share = stream.uniform() < 0.5 ? 0.35 * u : 1 - 0.35 * u;
    return least + (most - least) * share;
  });
}

/**
 * Places boxes of the given sizes, largest first, within a pixel of the edges, at random.
 *
 * @returns the boxes in the order of `sizes`, or undefined where they did not fit this time.
 */
export function drawLayout(
  stream: RandomStream,
  side: number,
  sizes: readonly (readonly [width: number, height: number])[],
): Box[] | undefined {
  const order = sizes
    .map((_, index) => index)
    .sort((a, b) => sizes[b]![0] * sizes[b]![1] - sizes[a]![0] * sizes[a]![1]);
  const boxes: Box[] = new Array(sizes.length);
  const placed: Box[] = [];
  for (const index of order) {
    const [width, height] = sizes[index]!;
    let box: Box | undefined;
    for (let attempt = 0; attempt < TRIES && !box; attempt++) {
      const left = 1 + stream.integer(side - width - 1);
      const top = 1 + stream.integer(side - height - 1);
      const here: Box = [left, top, width, height];
      if (placed.every((other) => overlap(here, other) <= OVERLAP)) box = here;
    }
    if (!box) return undefined;
    boxes[index] = box;
    placed.push(box);
  }
  return boxes;
}

/** The common part of two boxes as a share of the smaller one. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / Math.min(a[2] * a[3], b[2] * b[3]);
}
