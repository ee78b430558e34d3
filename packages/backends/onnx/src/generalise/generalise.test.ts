import '@tensorflow/tfjs-backend-cpu';
import { ops } from '@imglish/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../graph/graph.js';
import { showGraph } from '../graph/show.js';
import { generalTrace } from './general-trace.js';

beforeAll(() => tf.setBackend('cpu'));

const x = { x: { shape: [4, 8, 3], dtype: 'float32' } } as const;
const free = { x: { 0: 'batch', 1: 'text' } };

describe('generalTrace', () => {
  const shapeOf = (graph: Graph) => showGraph(graph).match(/(\S+ \[.*?\]) = Reshape/)?.[1];

  it('finds how shapes follow from the sizes', async () => {
    const graph = await generalTrace(
      ({ x }) => ({ y: ops.reshape(ops.slice(x!, [0, 1, 0], [-1, -1, -1]), [-1, 3]) }),
      x,
      free,
    );
    expect(shapeOf(graph)).toBe('float32 [batch*text + -1*batch, 3]');
  });

  it('finds constants that are a size, or one over it', async () => {
    const graph = await generalTrace(
      ({ x }) => ({ y: tf.mul(x!, 1 / x!.shape[1]!), n: tf.scalar(x!.shape[0]! * x!.shape[1]!) }),
      x,
      free,
    );
    expect([...graph.constants.values()].map((data) => 'uniform' in data && data.uniform)).toEqual([
      { size: { terms: [{ coefficient: 1, symbols: ['text'] }] }, reciprocal: true },
      { size: { terms: [{ coefficient: 1, symbols: ['batch', 'text'] }] }, reciprocal: false },
    ]);
  });

  it('names the node and line of what is not general', async () => {
    const square = generalTrace(
      ({ x }) => ({ y: tf.reshape(tf.matMul(x!, x!, false, true), [-1]) }),
      x,
      free,
    );
    await expect(square).rejects.toMatchObject({
      code: 'backend/not-general',
      expected: expect.stringMatching(/Reshape at .*generalise\.test\.ts:\d+/),
    });
    const data = generalTrace(
      ({ x }) => ({
        y: tf.add(x!, tf.tensor1d(Float32Array.from({ length: 3 }, (_, i) => i * x!.shape[0]!))),
      }),
      x,
      free,
    );
    await expect(data).rejects.toMatchObject({
      expected: expect.stringContaining('used by Add at'),
    });
  });

  it('names a branch that is taken at some sizes only', async () => {
    const branch = generalTrace(({ x }) => ({ y: x!.shape[0]! > 3 ? tf.exp(x!) : tf.neg(x!) }), x, {
      x: { 0: 'batch' },
    });
    await expect(branch).rejects.toMatchObject({
      code: 'backend/not-general',
      expected: expect.stringMatching(/Neg at .*generalise\.test\.ts/),
    });
  });

  it('refuses free sizes that the inputs do not have', async () => {
    const f = ({ x }: Readonly<Record<string, tf.Tensor>>) => ({ y: x! });
    const code = 'backend/free-sizes';
    await expect(generalTrace(f, x, { z: { 0: 'batch' } })).rejects.toMatchObject({ code });
    await expect(generalTrace(f, x, { x: { 0: 'n', 1: 'n' } })).rejects.toMatchObject({ code });
  });
});
