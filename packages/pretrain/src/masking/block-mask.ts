import { ConfigError, type RandomStream } from '@imglish/core';

export interface BlockMaskOptions {
  /** Smallest block asked for, in patches; default 4 (BEiT v2's script: 16 of a 14 × 14 grid). */
  minBlock?: number;
  /** Height by width, from this to its inverse, log-uniform; in (0, 1], default 0.3. */
  minAspect?: number;
}

/** How often a block that does not fit is drawn again before single patches fill the rest. */
const ATTEMPTS = 10;

/** How many patches are masked: `round(ratio × patches)`, the same for every image of a grid. */
export function maskedPatchCount(
  [rows, columns]: readonly [number, number],
  ratio: number,
): number {
  return Math.round(ratio * rows * columns);
}

/**
 * A block-wise mask of exactly `count` patches, `[rows · columns]`, 1 = masked (BEiT, arXiv
 * 2106.08254, algorithm 1; masking_generator.py of BEiT v2).
 *
 * Rectangles of a random area (from `minBlock` up to what is left) and aspect are put down, each
 * accepted if it masks something new and no more than is left; where none fits, single patches
 * complete the count.
 */
export function blockMask(
  [rows, columns]: readonly [number, number],
  count: number,
  random: Pick<RandomStream, 'integer' | 'uniform'>,
  { minBlock = 4, minAspect = 0.3 }: BlockMaskOptions = {},
): Uint8Array {
  const patches = rows * columns;
  if (!Number.isInteger(count) || count < 0 || count > patches) {
    throw new ConfigError({
      code: 'config/block-mask',
      where: 'blockMask',
      expected: `a count from 0 to the ${patches} patches of the grid ${rows} × ${columns}`,
      got: String(count),
    });
  }
  if (!(minBlock > 0 && minBlock < Infinity && minAspect > 0 && minAspect <= 1)) {
    throw new ConfigError({
      code: 'config/block-mask',
      where: 'blockMask',
      expected: 'a positive minBlock and a minAspect in (0, 1]',
      got: `${minBlock} and ${minAspect}`,
    });
  }
  const mask = new Uint8Array(patches);
  let left = count;
  while (left > 0) {
    const added = addBlock(mask, [rows, columns], left, random, minBlock, minAspect);
    if (added === 0) break;
    left -= added;
  }
  for (; left > 0; left--) {
    let nth = random.integer(patches - (count - left));
    const patch = mask.findIndex((masked) => masked === 0 && nth-- === 0);
    mask[patch] = 1;
  }
  return mask;
}

/** Puts one block down and returns how many patches it masked; 0 if none fitted. */
function addBlock(
  mask: Uint8Array,
  [rows, columns]: readonly [number, number],
  left: number,
  random: Pick<RandomStream, 'integer' | 'uniform'>,
  minBlock: number,
  minAspect: number,
): number {
  const logAspect = Math.log(minAspect);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = minBlock + random.uniform() * (left - minBlock);
    const aspect = Math.exp(logAspect + random.uniform() * -2 * logAspect);
    const height = Math.round(Math.sqrt(area * aspect));
    const width = Math.round(Math.sqrt(area / aspect));
    if (height >= rows || width >= columns) continue;
    const top = random.integer(rows - height + 1);
    const start = random.integer(columns - width + 1);
    const fresh: number[] = [];
    for (let y = top; y < top + height; y++) {
      for (let x = start; x < start + width; x++) {
        if (mask[y * columns + x] === 0) fresh.push(y * columns + x);
      }
    }
    if (fresh.length === 0 || fresh.length > left) continue;
    for (const patch of fresh) mask[patch] = 1;
    return fresh.length;
  }
  return 0;
}
