import '@tensorflow/tfjs-backend-cpu';
import { ops, valueAndGradients } from '@imglish/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { showGraph } from '../graph/show.js';
import { trace } from './trace.js';

const x = { x: { shape: [2, 3], dtype: 'float32' } } as const;

beforeAll(() => tf.setBackend('cpu'));

describe('trace', () => {
  let before: tf.MemoryInfo;
  beforeEach(() => {
    before = tf.memory();
  });
  const unchanged = () => {
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  };

  it('records what runs, and leaves nothing behind', async () => {
    const graph = await trace(({ x }) => ({ y: tf.relu(tf.mul(x!, 2)) }), x, { name: 'f' });
    expect(showGraph(graph)).toBe(
      [
        'f(x float32 [2, 3])',
        '  constant c1 float32 [] = 2',
        '  %1 float32 [2, 3] = Multiply(a: x, b: c1)',
        '  %2 float32 [2, 3] = Relu(x: %1)',
        '→ y = %2',
      ].join('\n'),
    );
    unchanged();
  });

  it('records gradients, as they are made of the same ops', async () => {
    const graph = await trace(({ x }) => {
      const { loss, gradients } = valueAndGradients(
        ({ x }) => ({ loss: tf.sum(ops.gelu(x!)) as tf.Scalar }),
        { x: x! },
      );
      return { loss, dx: gradients.x! };
    }, x);
    const names = graph.nodes.map(({ kernel }) => kernel);
    expect(names).toContain('ImglishGelu');
    expect(names).toContain('ImglishGeluGrad');
    unchanged();
  });

  it('copies a captured tensor, which stays its owner’s', async () => {
    const mine = tf.tensor2d([[1, 2, 3]]);
    const graph = await trace(({ x }) => ({ y: tf.add(x!, mine) }), x);
    expect([...graph.constants.values()]).toEqual([{ data: Float32Array.of(1, 2, 3) }]);
    expect(await mine.data()).toEqual(Float32Array.of(1, 2, 3));
    mine.dispose();
    unchanged();
  });

  it('refuses a large captured tensor, with the way out', async () => {
    const large = tf.zeros([600, 500]);
    const traced = trace(({ x }) => ({ y: tf.add(tf.sum(x!), large) }), x);
    await expect(traced).rejects.toMatchObject({
      code: 'backend/large-constant',
      got: expect.stringMatching(/\[600,500\], 1200000 bytes \(at .*trace\.test\.ts/),
      fix: expect.stringContaining('input'),
    });
    large.dispose();
    unchanged();
  });

  it('refuses to look at a value, and names the op and both places', async () => {
    const traced = trace(({ x }) => ({ y: tf.tensor1d(tf.exp(x!).dataSync()) }), x);
    await expect(traced).rejects.toMatchObject({
      code: 'backend/not-traceable',
      got: expect.stringMatching(/the result of Exp \(at .*trace\.test\.ts/),
      fix: expect.stringMatching(/^It is read at .*trace\.test\.ts/),
    });
    const argument = trace(({ x }) => ({ y: tf.scalar(x!.dataSync()[0]!) }), x);
    await expect(argument).rejects.toMatchObject({ got: expect.stringContaining('an argument') });
    unchanged();
  });

  it('names all kernels it does not know at once', async () => {
    const strange = ({ x }: Readonly<Record<string, tf.Tensor>>) => ({
      y: tf.real(tf.spectral.rfft(tf.atan2(x!, x!))),
    });
    await expect(trace(strange, x)).rejects.toMatchObject({
      code: 'backend/not-traceable',
      got: expect.stringMatching(/^(?=.*Complex)(?=.*FFT)(?=.*Real)/),
    });
    unchanged();
  });

  it('puts everything back when the function throws', async () => {
    const fails = trace(() => {
      tf.zeros([3]);
      throw new Error('mine');
    }, x);
    await expect(fails).rejects.toThrow('mine');
    unchanged();
  });

  it('refuses what is no tensor', async () => {
    const result = trace(() => ({ y: 3 as unknown as tf.Tensor }), x);
    await expect(result).rejects.toMatchObject({ got: 'number as y' });
  });
});
