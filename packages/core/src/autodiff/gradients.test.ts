import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import { engine } from './engine.js';
import { registerGradients } from './gradients.js';

describe('registerGradients', () => {
  it('registers every gradient of tfjs, on the one engine', async () => {
    await tf.setBackend('cpu');
    registerGradients();
    expect(tf.getGradient('BatchMatMul')?.inputsToSave).toEqual(['a', 'b']);
    expect(tf.getGradient('UnsortedSegmentSum')).toBeDefined();

    const x = tf.tensor1d([1, 2, 3]);
    const { grads } = engine().gradients(() => tf.sum(tf.mul(x, tf.square(x))), [x]);
    expect(Array.from(grads[0]!.dataSync())).toEqual([3, 12, 27]);
  });

  it('differentiates through an op that tfjs keeps private', () => {
    registerGradients();
    const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    const { grads } = engine().gradients(
      () => tf.sum(tf.maxPool(x as tf.Tensor4D, 2, 1, 'valid')),
      [x],
    );
    expect(Array.from(grads[0]!.dataSync())).toEqual([0, 0, 0, 1]);
  });

  it('leaves a gradient alone that is registered already', () => {
    const own: tf.GradConfig = { kernelName: 'Abs', gradFunc: () => ({}) };
    tf.registerGradient(own);
    registerGradients();
    registerGradients();
    expect(tf.getGradient('Abs')).toBe(own);
  });
});
