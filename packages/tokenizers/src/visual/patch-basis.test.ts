import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { PatchBasis } from './patch-basis.js';

describe('PatchBasis', () => {
  it.each([1, 2, 5, 8])('keeps distances and can be undone, patch size %i', (p) => {
    const basis = new PatchBasis(p);
    const random = draw(3, 'basis', p);
    const patches = Float32Array.from({ length: 4 * basis.dims }, () => random.normal());
    const changed = patches.slice();
    basis.transform(changed);
    expect(changed).not.toEqual(patches);
    const squares = (values: Float32Array, n: number) =>
      values.subarray(n * basis.dims, (n + 1) * basis.dims).reduce((sum, v) => sum + v * v, 0);
    for (let n = 0; n < 4; n++) expect(squares(changed, n)).toBeCloseTo(squares(patches, n), 3);
    basis.inverse(changed);
    for (const [i, value] of changed.entries()) expect(value).toBeCloseTo(patches[i]!, 5);
  });

  it('puts the mean colour of a patch first', () => {
    const basis = new PatchBasis(4);
    const gray = new Float32Array(48).fill(0.5);
    basis.transform(gray);
    expect(gray[0]).toBeCloseTo(0.5 * Math.sqrt(48), 5);
    expect(Math.max(...gray.subarray(1).map(Math.abs))).toBeLessThan(1e-6);
  });
});
