import '@tensorflow/tfjs-backend-cpu';
import { draw, valueAndGradients } from '@imglish/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';

describe('@imglish/core in a browser', () => {
  beforeAll(async () => {
    expect(typeof window).toBe('object');
    await tf.setBackend('cpu');
  });

  // Known answer of Random123's kat_vectors for philox4x32-10 with a zero key and counter.
  it('draws the numbers that it draws elsewhere', () => {
    const seedThatCancelsPurpose = 2 ** 32 * 0x811c9dc5;
    const numbers = draw(seedThatCancelsPurpose, '', 0, 0);
    expect([numbers.uint32(), numbers.uint32()]).toEqual([0x6627e8d5, 0xe169c58d]);
  });

  it('differentiates: d(Σx²)/dx = 2x', async () => {
    const x = tf.tensor1d([1, -2, 3]);
    const { loss, gradients } = valueAndGradients(() => ({ loss: tf.sum(tf.square(x)) }), { x });
    expect(await loss.data()).toEqual(Float32Array.of(14));
    expect(await gradients.x?.data()).toEqual(Float32Array.of(2, -4, 6));
    tf.dispose([x, loss, gradients]);
  });
});
