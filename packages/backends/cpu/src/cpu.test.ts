import { ops, valueAndGradients } from '@imglish/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';
import { cpu } from './index.js';

it('opens silently, differentiates, and goes away', async () => {
  const warn = vi.spyOn(console, 'warn');
  const backend = await cpu();
  expect([backend.name, backend.ready, tf.getBackend()]).toEqual(['cpu', true, 'cpu']);

  const table = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
  const weight = tf.tensor2d([1, 0, 0, 1, 1, 1], [3, 2]);
  const { loss, gradients } = valueAndGradients(
    ({ table, weight }) => {
      const rows = ops.gatherRows(table as tf.Tensor2D, tf.tensor1d([2, 0, 2], 'int32'));
      return { loss: tf.sum(ops.linear(rows, weight!)) as tf.Scalar };
    },
    { table, weight },
  );
  expect(loss.dataSync()[0]).toBe(50);
  expect(Array.from(gradients.table!.dataSync())).toEqual([2, 2, 0, 0, 4, 4]);
  expect(Array.from(gradients.weight!.dataSync())).toEqual([11, 14, 11, 14, 11, 14]);
  expect(warn).not.toHaveBeenCalled();

  backend.dispose();
  expect(backend.ready).toBe(false);
});
