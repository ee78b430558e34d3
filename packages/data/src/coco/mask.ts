import { type BinaryMask, DataError } from '@imglish/core';

/** Lengths of runs of 0s and 1s in turn, column by column, as COCO writes masks. */
export interface RunLengths {
  readonly width: number;
  readonly height: number;
  readonly counts: readonly number[];
}

const refuse = (where: string, expected: string, got: string): never => {
  throw new DataError({ code: 'data/bad-mask', where, expected, got });
};

/**
 * COCO's compressed run lengths: each count is a signed number in groups of five bits, low first, in
 * the characters from `0` on, and from the third on the difference to the count two before.
 */
export function decodeRunLengths(text: string): number[] {
  const where = 'decodeRunLengths';
  const counts: number[] = [];
  let at = 0;
  while (at < text.length) {
    let value = 0;
    let shift = 0;
    let more = true;
    while (more) {
      const group = text.charCodeAt(at) - 48;
      if (!(group >= 0 && group < 64) || shift > 30) {
        refuse(
          where,
          'compressed run lengths',
          at < text.length ? `"${text[at]}" in them` : 'their end within a number',
        );
      }
      at++;
      value += (group & 0x1f) * 2 ** shift;
      shift += 5;
      more = (group & 0x20) !== 0;
      if (!more && (group & 0x10) !== 0) value -= 2 ** shift;
    }
    counts.push(counts.length > 2 ? value + counts[counts.length - 2]! : value);
  }
  return counts;
}

/** The mask of run lengths: `data/bad-mask` unless they add up to width × height. */
export function maskOfRunLengths({ width, height, counts }: RunLengths): BinaryMask {
  const total = counts.reduce((sum, count) => sum + (count >= 0 ? count : Number.NaN), 0);
  if (total !== width * height) {
    refuse('maskOfRunLengths', `run lengths that add up to ${width} × ${height}`, String(total));
  }
  const data = new Uint8Array(width * height);
  let at = 0;
  for (const [i, count] of counts.entries()) {
    if (i % 2 === 1) {
      for (let p = at; p < at + count; p++) {
        data[(p % height) * width + Math.floor(p / height)] = 1;
      }
    }
    at += count;
  }
  return { width, height, data };
}

/** Steps of a pixel's fraction in which outlines are drawn. */
const SCALE = 5;

/**
 * The pixels within an outline `[x0, y0, x1, y1, …]`, pixel for pixel those of COCO's own code
 * (pycocotools, `rleFrPoly`): the outline is drawn on a grid five times as fine; in a column, pixels
 * from every odd crossing to the next belong to it.
 */
export function maskOfPolygon(
  outline: readonly number[],
  width: number,
  height: number,
): BinaryMask {
  if (outline.length < 6 || outline.length % 2 !== 0 || !outline.every(Number.isFinite)) {
    refuse('maskOfPolygon', 'x and y of at least three corners', `${outline.length} numbers`);
  }
  const toggles = crossings(outline, width, height).sort((a, b) => a - b);
  const data = new Uint8Array(width * height);
  // Positions count down the columns; each toggle changes inside to outside or back.
  for (let i = 0; i < toggles.length; i += 2) {
    const end = Math.min(toggles[i + 1] ?? width * height, width * height);
    for (let p = toggles[i]!; p < end; p++) {
      data[(p % height) * width + Math.floor(p / height)] = 1;
    }
  }
  return { width, height, data };
}

function crossings(outline: readonly number[], width: number, height: number): number[] {
  const corners = outline.length / 2;
  const xs = Array.from({ length: corners + 1 }, (_, i) =>
    Math.trunc(SCALE * outline[2 * (i % corners)]! + 0.5),
  );
  const ys = Array.from({ length: corners + 1 }, (_, i) =>
    Math.trunc(SCALE * outline[2 * (i % corners) + 1]! + 0.5),
  );
  const u: number[] = [];
  const v: number[] = [];
  for (let j = 0; j < corners; j++) {
    let [x0, x1, y0, y1] = [xs[j]!, xs[j + 1]!, ys[j]!, ys[j + 1]!];
    const dx = Math.abs(x1 - x0);
    const dy = Math.abs(y1 - y0);
    const flip = (dx >= dy && x0 > x1) || (dx < dy && y0 > y1);
    if (flip) [x0, x1, y0, y1] = [x1, x0, y1, y0];
    const slope = dx >= dy ? (y1 - y0) / dx : (x1 - x0) / dy;
    for (let d = 0; d <= Math.max(dx, dy); d++) {
      const t = flip ? Math.max(dx, dy) - d : d;
      u.push(dx >= dy ? t + x0 : Math.trunc(x0 + slope * t + 0.5));
      v.push(dx >= dy ? Math.trunc(y0 + (dx === 0 ? 0 : slope) * t + 0.5) : t + y0);
    }
  }
  const positions: number[] = [];
  for (let j = 1; j < u.length; j++) {
    if (u[j] === u[j - 1]) continue;
    let x = u[j]! < u[j - 1]! ? u[j]! : u[j]! - 1;
    x = (x + 0.5) / SCALE - 0.5;
    if (Math.floor(x) !== x || x < 0 || x > width - 1) continue;
    let y = Math.min(v[j]!, v[j - 1]!);
    y = (y + 0.5) / SCALE - 0.5;
    y = Math.ceil(Math.max(0, Math.min(y, height)));
    positions.push(x * height + y);
  }
  return positions;
}

/** What any of the masks covers. */
export function unionOfMasks(masks: readonly BinaryMask[]): BinaryMask {
  const [first, ...others] = masks;
  if (!first) return refuse('unionOfMasks', 'at least one mask', 'none');
  const data = first.data.slice();
  for (const mask of others) {
    for (let i = 0; i < data.length; i++) data[i] = data[i]! | mask.data[i]!;
  }
  return { ...first, data };
}
