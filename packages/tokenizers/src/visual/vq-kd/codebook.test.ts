import { describe, expect, it } from 'vitest';
import {
  assignmentOf,
  type Codebook,
  codebookUsage,
  countAssigned,
  emaUpdate,
  reviveCodes,
} from './codebook.js';
import { kMeansStarts, sphericalKMeans } from './spherical-kmeans.js';

const codebook = (): Codebook => ({
  codes: 3,
  codeDim: 2,
  rows: Float32Array.of(1, 0, 0, 1, -1, 0),
  clusterSize: new Float32Array(3),
});

describe('the moving average', () => {
  it('is what one finds by hand', () => {
    const book = codebook();
    // Two vectors of code 0 with the sum (1.6, 1.2), of norm 2: mean (0.8, 0.6); one of code 2.
    const z = Float32Array.of(0.6, 0.8, 1, 0.4, 0, -1);
    const assignment = assignmentOf(z, Int32Array.of(0, 0, 2), book);
    expect([...assignment.counts]).toEqual([2, 0, 1]);
    emaUpdate(book, assignment, { decay: 0.5 });
    // (1 + 0.8, 0.6) / 2, normalised; code 1 keeps its row; (−1, −1) / 2, normalised.
    const by = Math.hypot(1.8, 0.6);
    const half = Math.SQRT1_2;
    const expected = [1.8 / by, 0.6 / by, 0, 1, -half, -half];
    book.rows.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6);
    });
    expect([...book.clusterSize]).toEqual([1, 0, 0.5]);
  });

  it('only counts in evaluation', () => {
    const book = codebook();
    countAssigned(book, Float32Array.of(4, 0, 0), { decay: 0.75 });
    expect([...book.clusterSize]).toEqual([1, 0, 0]);
    expect(book.rows).toEqual(codebook().rows);
  });

  it.each([-0.1, 1.1, Number.NaN])('refuses a decay of %d', (decay) => {
    const nothing = assignmentOf(new Float32Array(0), new Int32Array(0), codebook());
    const update = () => emaUpdate(codebook(), nothing, { decay });
    expect(update).toThrow(expect.objectContaining({ code: 'config/invalid-value' }));
  });
});

describe('usage', () => {
  it('counts codes, and equally frequent ones by entropy', () => {
    const usage = codebookUsage([5, 0, 5, 0]);
    expect(usage).toMatchObject({ codes: 4, used: 2, dead: [1, 3] });
    expect(usage.perplexity).toBeCloseTo(2, 12);
  });

  it('gives dead codes the place of vectors, different ones, and no others', () => {
    const book = codebook();
    const z = Float32Array.of(0.6, 0.8, -0.6, 0.8);
    reviveCodes(book, [0, 2], z, { seed: 1, step: 7 });
    expect([...book.rows.subarray(2, 4)]).toEqual([0, 1]);
    const revived = [book.rows[0], book.rows[4]].sort();
    expect(revived).toEqual([Math.fround(-0.6), Math.fround(0.6)]);
    const again = codebook();
    reviveCodes(again, [0, 2], z, { seed: 1, step: 7 });
    expect(again.rows).toEqual(book.rows);
    // Afterwards both are chosen.
    const chosen = assignmentOf(z, Int32Array.of(0, 2), book);
    expect(codebookUsage(chosen.counts).dead).toEqual([1]);
  });
});

describe('the start by k-means', () => {
  it('finds two directions', () => {
    const angles = [0, 0.1, -0.1, 2, 2.1, 1.9];
    const z = Float32Array.from(angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
    const { means, counts } = sphericalKMeans(z, 2, [1, 5], 5);
    expect([...counts]).toEqual([3, 3]);
    expect(Math.atan2(means[1]!, means[0]!)).toBeCloseTo(0, 6);
    expect(Math.atan2(means[3]!, means[2]!)).toBeCloseTo(2, 6);
  });

  it('begins with different vectors while there are enough', () => {
    expect(new Set(kMeansStarts(10, 10, 3)).size).toBe(10);
    expect(kMeansStarts(10, 10, 3)).toEqual(kMeansStarts(10, 10, 3));
    expect(Math.max(...kMeansStarts(2, 10, 3))).toBeLessThan(2);
  });

  it('needs vectors', () => {
    const start = () => sphericalKMeans(new Float32Array(0), 2, [0], 1);
    expect(start).toThrow(expect.objectContaining({ code: 'shape/vectors' }));
  });
});
