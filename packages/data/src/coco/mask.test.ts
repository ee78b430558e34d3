import { readFileSync } from 'node:fs';
import { DataError } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { decodeRunLengths, maskOfPolygon, maskOfRunLengths, unionOfMasks } from './mask.js';

/** What pycocotools 2.0 makes of outlines, and the run lengths of a scattered mask. */
interface Reference {
  size: [number, number];
  cases: { polygon: number[]; counts: string; rows: string[] }[];
  long: { size: [number, number]; counts: string; area: number; ones: number[] };
}
const { size, cases, long } = JSON.parse(
  readFileSync(new URL('../../test/coco-masks.json', import.meta.url), 'utf8'),
) as Reference;
const [height, width] = size;

const rowsOf = (data: Uint8Array): string[] =>
  Array.from({ length: height }, (_, y) => data.subarray(y * width, (y + 1) * width).join(''));

describe('masks of COCO', () => {
  it.each(cases)('draws the outline $polygon as pycocotools does', ({ polygon, counts, rows }) => {
    expect(rowsOf(maskOfPolygon(polygon, width, height).data)).toEqual(rows);
    const drawn = maskOfRunLengths({ width, height, counts: decodeRunLengths(counts) });
    expect(rowsOf(drawn.data)).toEqual(rows);
  });

  it('reads long run lengths, differences below 0 among them', () => {
    const counts = decodeRunLengths(long.counts);
    const { data } = maskOfRunLengths({ width: long.size[1], height: long.size[0], counts });
    expect(data.reduce((sum, bit) => sum + bit, 0)).toBe(long.area);
    const ones = [...data.keys()].filter((i) => data[i] === 1);
    expect(ones.slice(0, 3)).toEqual(long.ones);
  });

  it('unites', () => {
    const part = (...bits: number[]) => ({ width: 2, height: 1, data: Uint8Array.from(bits) });
    expect([...unionOfMasks([part(1, 0), part(0, 1)]).data]).toEqual([1, 1]);
    expect(() => unionOfMasks([])).toThrow(DataError);
  });

  it('refuses what is no mask', () => {
    expect(() => decodeRunLengths('0h')).toThrow('within a number');
    expect(() => decodeRunLengths('0 3')).toThrow('" "');
    expect(() => maskOfRunLengths({ width: 2, height: 2, counts: [1, 2] })).toThrow('2 × 2, got 3');
    expect(() => maskOfRunLengths({ width: 2, height: 2, counts: [5, -1] })).toThrow(DataError);
    expect(() => maskOfPolygon([0, 0, 1, 1], 2, 2)).toThrow('three corners');
  });
});
