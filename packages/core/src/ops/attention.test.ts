import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { dispose, ones, type Tensor4D, tensor } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkOp } from '../../test/check-op.js';
import { expectClose, normals, sizeOf, valuesOf } from '../../test/numbers.js';
import { attentionOf, dot, rowsOf, softmaxOf } from '../../test/reference.js';
import { attention, attentionMap, HIDDEN } from './attention.js';

/** Of any rank: the wrong ones are tried, too. */
type Shape = [number, number, number, number];

interface Sizes {
  b: number;
  h: number;
  n: number;
  m: number;
  d: number;
}

/** A mask that hides about a third, never the first key. */
function maskOf(shape: number[]): number[] {
  const m = shape.at(-1)!;
  return normals(sizeOf(shape), 7).map((x, i) => (i % m > 0 && x > 0.4 ? HIDDEN : 0));
}

function reference(
  { b, h, n, m, d }: Sizes,
  given: Record<string, number[]>,
  mask: number[],
  maskShape: number[],
): number[] {
  const [mb, mh, mn] = maskShape;
  const at = (batch: number, head: number, row: number) =>
    (((batch % mb!) * mh! + (head % mh!)) * mn! + (row % mn!)) * m;
  const blocks = Array.from({ length: b * h }, (_, block) => {
    const part = (name: string, rows: number) =>
      rowsOf(given[name]!.slice(block * rows * d, (block + 1) * rows * d), d);
    const added = Array.from({ length: n }, (_, row) => {
      const start = at(Math.floor(block / h), block % h, row);
      return mask.slice(start, start + m);
    });
    return attentionOf(part('q', n), part('k', m), part('v', m), 0.3, added).flat();
  });
  return blocks.flat();
}

const SIZES: Sizes[] = [
  { b: 2, h: 3, n: 4, m: 5, d: 2 },
  { b: 1, h: 2, n: 3, m: 1, d: 3 },
  { b: 2, h: 1, n: 1, m: 4, d: 1 },
];

describe('attention', () => {
  it.each(SIZES)('is softmax(scale q kᵀ) v for $b×$h×$n×$m×$d', (sizes) => {
    const { b, h, n, m, d } = sizes;
    checkOp({
      shapes: { q: [b, h, n, d], k: [b, h, m, d], v: [b, h, m, d] },
      op: ({ q, k, v }) => attention(q as Tensor4D, k as Tensor4D, v as Tensor4D, 0.3),
      reference: (given) => reference(sizes, given, Array(m).fill(0), [1, 1, 1]),
    });
  });

  it.each<[Shape]>([
    [[2, 3, 4, 5]],
    [[1, 1, 4, 5]],
    [[2, 1, 1, 5]],
    [[1, 3, 4, 5]],
    [[1, 1, 1, 5]],
  ])('adds a mask [%s], which is a constant', (maskShape) => {
    const sizes = SIZES[0]!;
    const { b, h, n, m, d } = sizes;
    const mask = maskOf(maskShape);
    const maskTensor = tensor(mask, maskShape) as Tensor4D;
    checkOp({
      shapes: { q: [b, h, n, d], k: [b, h, m, d], v: [b, h, m, d] },
      op: ({ q, k, v }) => attention(q as Tensor4D, k as Tensor4D, v as Tensor4D, 0.3, maskTensor),
      reference: (given) => reference(sizes, given, mask, maskShape),
    });
  });

  it('gives a hidden key a weight of exactly 0', () => {
    const q = tensor([1, 2], [1, 1, 1, 2]) as Tensor4D;
    const k = tensor([1, 2, 900, 900], [1, 1, 2, 2]) as Tensor4D;
    const mask = tensor([0, HIDDEN], [1, 1, 1, 2]) as Tensor4D;
    expect(valuesOf(attentionMap(q, k, 1, mask))).toEqual([1, 0]);
  });

  it('shows the map that attention uses', () => {
    const [q, k] = [normals(6, 1), normals(8, 2)];
    const map = withoutLeaks(() => {
      const [queries, keys] = [tensor(q, [1, 1, 3, 2]), tensor(k, [1, 1, 4, 2])];
      const result = attentionMap(queries as Tensor4D, keys as Tensor4D, 0.7);
      const values = valuesOf(result);
      dispose([queries, keys, result]);
      return values;
    });
    const keys = rowsOf(k, 2);
    expectClose(
      map,
      rowsOf(q, 2).flatMap((row) => softmaxOf(keys.map((key) => 0.7 * dot(row, key)))),
    );
  });

  it.each([
    { q: [1, 2, 3, 4], k: [1, 2, 5, 3], v: [1, 2, 5, 3] },
    { q: [1, 2, 3, 4], k: [2, 2, 5, 4], v: [2, 2, 5, 4] },
    { q: [1, 2, 3, 4], k: [1, 2, 5, 4], v: [1, 2, 6, 4] },
    { q: [2, 3, 4], k: [2, 5, 4], v: [2, 5, 4] } as object as { q: Shape; k: Shape; v: Shape },
    { q: [1, 2, 3, 4], k: [1, 2, 5, 4], v: [1, 2, 5, 4], mask: [1, 1, 3, 3] },
    { q: [1, 2, 3, 4], k: [1, 2, 5, 4], v: [1, 2, 5, 4], mask: [1, 1, 1, 1] },
    { q: [1, 2, 3, 4], k: [1, 2, 5, 4], v: [1, 2, 5, 4], mask: [3, 5] as number[] as Shape },
  ] as { q: Shape; k: Shape; v: Shape; mask?: Shape }[])('refuses %o', ({ q, k, v, mask }) => {
    const make = (shape: Shape) => ones(shape) as Tensor4D;
    expect(() => attention(make(q), make(k), make(v), 1, mask && make(mask))).toThrow(
      expect.objectContaining({ code: 'shape/attention' }),
    );
  });
});
