import { ops, valueAndGradients } from '@imglish/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { wasm } from './index.js';

/** Where Vite serves the files of tfjs. */
const file = (name: string): string =>
  new URL(`/node_modules/@tensorflow/tfjs-backend-wasm/dist/${name}`, location.href).href;
const names = ['', '-simd', '-threaded-simd'].map((kind) => `tfjs-backend-wasm${kind}.wasm`);
const wasmPaths = Object.fromEntries(names.map((name) => [name, file(name)]));

describe('@imglish/backend-wasm in a browser', () => {
  it('opens where it is told to look, and trains', async () => {
    const backend = await wasm({ wasmPaths });
    expect(backend.ready).toBe(true);

    const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const weight = tf.tensor2d([1, 0, 0, 1, 1, 1], [3, 2]);
    const bias = tf.tensor1d([0, 0, 1]);
    const { loss, gradients } = valueAndGradients(
      ({ x, weight, bias }) => ({ loss: tf.sum(ops.linear(x!, weight!, bias!)) as tf.Scalar }),
      { x, weight, bias },
    );
    expect(Array.from(await loss.data())).toEqual([45]);
    expect(Array.from(await gradients.x!.data())).toEqual([2, 2, 2, 2, 2, 2]);
    expect(Array.from(await gradients.weight!.data())).toEqual([9, 12, 9, 12, 9, 12]);
    expect(Array.from(await gradients.bias!.data())).toEqual([3, 3, 3]);
    backend.dispose();
  });

  it('says why it does not start', async () => {
    const missing = Object.fromEntries(names.map((name) => [name, file(`none/${name}`)]));
    await expect(wasm({ wasmPaths: missing })).rejects.toMatchObject({
      code: 'backend/unavailable',
    });
  });
});
