import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { scalar, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { loss, similarities } from './loss.js';

const outputs = (image: number[][], text: number[][], scale: number) => ({
  image: tensor2d(image),
  text: tensor2d(text),
  scale: scalar(scale),
});

function lossOf(image: number[][], text: number[][], scale: number) {
  return withoutLeaks(() =>
    tidy(() => {
      const { sum, count } = loss(outputs(image, text, scale));
      return [{ sum: sum.dataSync()[0]!, count }];
    }),
  )[0]!;
}

const X = [1, 0];
const Y = [0, 1];

describe('the loss of retrieval', () => {
  it('by hand, where every pair is alike and others are orthogonal', () => {
    const { sum, count } = lossOf([X, Y], [X, Y], 3);
    expect(sum).toBeCloseTo(2 * Math.log(1 + Math.exp(-3)), 6);
    expect(count).toBe(2);
  });

  it('by hand, where the directions differ', () => {
    // s = [[2, 0], [2, 0]]: images ask log(e² + 1) each, texts 2 + log 2 and log 2, partners give 2
    const { sum } = lossOf([X, X], [X, Y], 2);
    const asked = 2 * Math.log(Math.exp(2) + 1) + (2 + Math.log(2)) + Math.log(2);
    expect(sum).toBeCloseTo(asked / 2 - 2, 6);
  });

  it('is 0 for a single pair, which has no other to be told from', () => {
    expect(lossOf([X], [Y], 5).sum).toBeCloseTo(0, 6);
  });

  it('does not tell images from texts', () => {
    const [a, b] = [
      [X, [0.6, 0.8], Y],
      [[0.8, 0.6], Y, X],
    ];
    expect(lossOf(a!, b!, 4).sum).toBeCloseTo(lossOf(b!, a!, 4).sum, 5);
  });
});

it('similarities are scaled products of every image with every text', () => {
  tidy(() => {
    const s = similarities(outputs([X, Y], [X, [0.6, 0.8]], 10));
    expect([...s.dataSync()].map((x) => x.toFixed(5))).toEqual(
      [10, 6, 0, 8].map((x) => x.toFixed(5)),
    );
  });
});
