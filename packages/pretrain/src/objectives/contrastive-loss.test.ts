import '@tensorflow/tfjs-backend-cpu';
import { draw, valueAndGradients } from '@imglish/core';
import { expectAllClose, withoutLeaks } from '@imglish/testing';
import {
  dispose,
  type Scalar,
  scalar,
  type Tensor,
  type Tensor2D,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { contrastiveLoss, gatheredContrastiveLoss } from './contrastive-loss.js';

const [N, D] = [6, 4];
const SCALE = 3;

/** Unit vectors. */
const vectors = (purpose: string): number[][] =>
  Array.from({ length: N }, (_, i) => {
    const random = draw(2, purpose, i);
    const x = Array.from({ length: D }, () => random.normal());
    return x.map((value) => value / Math.hypot(...x));
  });
const [IMAGES, TEXTS] = [vectors('image'), vectors('text')];

/** The loss in float64, of vectors of any length. */
function reference(images: number[][], texts: number[][], scale: number): number {
  const s = images.map((u) =>
    texts.map((v) => scale * u.reduce((sum, x, k) => sum + x * v[k]!, 0)),
  );
  const lse = (z: number[]) => Math.log(z.reduce((sum, x) => sum + Math.exp(x), 0));
  return s.reduce((sum, row, i) => {
    const column = s.map((other) => other[i]!);
    return sum + 0.5 * (lse(row) + lse(column)) - row[i]!;
  }, 0);
}

/** Value and gradients of a part of the pairs among all. */
function partOf(from: number, to: number) {
  const given = {
    image: tensor2d(IMAGES.slice(from, to)),
    text: tensor2d(TEXTS.slice(from, to)),
    scale: scalar(SCALE),
  };
  const all = { image: tensor2d(IMAGES), text: tensor2d(TEXTS) };
  const { loss, gradients } = valueAndGradients((current) => {
    const features = current as { image: Tensor2D; text: Tensor2D; scale: Scalar };
    const whole = to - from === N;
    return { loss: whole ? contrastiveLoss(features) : gatheredContrastiveLoss(features, all) };
  }, given);
  const read = (tensor: Tensor) => Array.from(tensor.dataSync());
  const result = {
    loss: read(loss)[0]!,
    image: read(gradients.image!),
    text: read(gradients.text!),
    scale: read(gradients.scale!)[0]!,
  };
  dispose([given, all, loss, gradients]);
  return result;
}

describe('contrast', () => {
  it('is its formula, and its gradient that of differences', () => {
    const whole = partOf(0, N);
    expect(whole.loss).toBeCloseTo(reference(IMAGES, TEXTS, SCALE), 5);
    const h = 1e-5;
    const moved = (x: number[][], at: number, by: number) =>
      x.map((row, i) => row.map((value, k) => (i * D + k === at ? value + by : value)));
    for (let at = 0; at < N * D; at++) {
      const ofImages = (by: number) => reference(moved(IMAGES, at, by), TEXTS, SCALE);
      const ofTexts = (by: number) => reference(IMAGES, moved(TEXTS, at, by), SCALE);
      expect(whole.image[at]).toBeCloseTo((ofImages(h) - ofImages(-h)) / (2 * h), 5);
      expect(whole.text[at]).toBeCloseTo((ofTexts(h) - ofTexts(-h)) / (2 * h), 5);
    }
    const ofScale = (by: number) => reference(IMAGES, TEXTS, SCALE + by);
    expect(whole.scale).toBeCloseTo((ofScale(h) - ofScale(-h)) / (2 * h), 5);
  });

  it.each([1, 2, 3])('of batches of %i with all negatives adds up to that of one', (each) => {
    const whole = partOf(0, N);
    const parts = Array.from({ length: N / each }, (_, i) => partOf(i * each, (i + 1) * each));
    const total = (of: (part: (typeof parts)[0]) => number) =>
      parts.reduce((sum, part) => sum + of(part), 0);
    expect(total(({ loss }) => loss)).toBeCloseTo(whole.loss, 5);
    expect(total(({ scale }) => scale)).toBeCloseTo(whole.scale, 5);
    const joined = (of: (part: (typeof parts)[0]) => number[]) => parts.flatMap(of);
    expectAllClose(
      joined(({ image }) => image),
      whole.image,
      { absolute: 1e-5 },
    );
    expectAllClose(
      joined(({ text }) => text),
      whole.text,
      { absolute: 1e-5 },
    );
  });

  it('leaves nothing behind', () => {
    withoutLeaks(() => void partOf(0, 2));
    withoutLeaks(() => void partOf(0, N));
  });
});
