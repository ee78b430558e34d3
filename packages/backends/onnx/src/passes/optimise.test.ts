import '@tensorflow/tfjs-backend-cpu';
import { ops, type Parameters, type TensorMap, valueAndGradients } from '@imglish/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { graphOf } from '../build.js';
import { assertInPlace } from './in-place.js';

const x = { x: { shape: [2, 3], dtype: 'float32' } } as const;

beforeAll(() => tf.setBackend('cpu'));

describe('optimise', () => {
  const kernelsOf = async (f: (inputs: TensorMap) => TensorMap) =>
    (await graphOf(f, x)).nodes.map(({ kernel }) => kernel);

  it.each<[string, string[], (x: tf.Tensor) => TensorMap]>([
    ['what no output needs', ['Exp'], (x) => ({ y: [tf.exp(x), tf.log(x)][0]! })],
    ['what is computed twice', ['Exp', 'Add'], (x) => ({ y: tf.add(tf.exp(x), tf.exp(x)) })],
    ['neutral elements', [], (x) => ({ y: tf.div(tf.mul(tf.add(x, 0), tf.onesLike(x)), 1) })],
    ['views of views', ['Reshape'], (x) => ({ y: tf.reshape(tf.expandDims(x, 0), [3, 2]) })],
    ['views there and back', [], (x) => ({ y: tf.reshape(tf.reshape(x, [6]), [2, 3]) })],
    ['transposes there and back', [], (x) => ({ y: tf.transpose(tf.transpose(x)) })],
    [
      'a transposed operand',
      ['BatchMatMul'],
      (x) => ({ y: tf.matMul(tf.transpose(x) as tf.Tensor2D, x as tf.Tensor2D) }),
    ],
    ['a sum of zeros', [], (x) => ({ y: tf.add(x, tf.sum(tf.zerosLike(x), 1, true)) })],
    [
      'constants that can be computed',
      ['Add'],
      (x) => ({ y: tf.add(x, tf.mul(tf.fill([2, 3], 4), 2)) }),
    ],
  ])('leaves out %s', async (_, kernels, f) => {
    expect(await kernelsOf(({ x }) => f(x!))).toEqual(kernels);
  });

  it('keeps what differs', async () => {
    const kernels = await kernelsOf(({ x }) => ({
      y: tf.sub(tf.sum(x!, 0), tf.sum(tf.sum(x!, 1))),
    }));
    expect(kernels).toEqual(['Sum', 'Sum', 'Sum', 'Sub']);
  });
});

describe('assertInPlace', () => {
  const check = async (f: (inputs: TensorMap) => TensorMap) =>
    assertInPlace(await graphOf(f, x), { y: 'x' });

  it('allows a last reading element by element', async () => {
    await check(({ x }) => ({ y: tf.sub(x!, tf.exp(x!)) }));
  });

  it('allows parts to be read before, by what the output depends on', async () => {
    const inputs = { ...x, part: { shape: [3], dtype: 'float32' } } as const;
    const check = async (f: (inputs: TensorMap) => TensorMap) =>
      assertInPlace(await graphOf(f, inputs), { y: ['x', 'part'] });
    await check(({ x, part }) => ({ y: tf.sub(x!, tf.sum(part!)) }));
    const code = 'backend/in-place';
    const got = expect.stringContaining('Exp');
    const later = check(({ x, part }) => ({ y: tf.mul(x!, 2), z: tf.exp(part!) }));
    await expect(later).rejects.toMatchObject({ code, got });
    // Element by element, but not the element that is written.
    const shifted = check(({ x, part }) => ({ y: tf.sub(x!, part!) }));
    await expect(shifted).rejects.toMatchObject({ code, got: expect.stringContaining('Sub') });
  });

  it('refuses one by a node of which only another output came before', async () => {
    const inputs = { x: x.x, w: { shape: [4, 3], dtype: 'float32' } } as const;
    const check = async (outputs: (dx: tf.Tensor, next: tf.Tensor) => TensorMap) => {
      const f = ({ x, w }: TensorMap): TensorMap => {
        const loss = (p: Parameters) => tf.sum(ops.linear(p.x!, p.w!, tf.zeros([4]))) as tf.Scalar;
        const { gradients } = valueAndGradients((p) => ({ loss: loss(p) }), { x: x!, w: w! });
        return outputs(gradients.x!, tf.sub(w!, gradients.w!));
      };
      const graph = await graphOf(f, inputs);
      expect(graph.nodes.map(({ kernel }) => kernel)).toContain('ImglishLinearGrad');
      assertInPlace(graph, { y: 'w' });
    };
    // The gradient of the weights does not read them; that of x does.
    await check((_, next) => ({ y: next }));
    const both = check((dx, next) => ({ y: next, dx }));
    await expect(both).rejects.toMatchObject({ got: expect.stringContaining('ImglishLinearGrad') });
    await check((dx, next) => ({ y: tf.add(next, tf.sum(dx)), dx }));
  });

  it('refuses one that comes later, or reads other places', async () => {
    const code = 'backend/in-place';
    const later = check(({ x }) => ({ y: tf.mul(x!, 2), z: tf.exp(x!) }));
    await expect(later).rejects.toMatchObject({ code, got: expect.stringContaining('Exp') });
    const elsewhere = check(({ x }) => ({ y: tf.reverse(x!, 0) }));
    await expect(elsewhere).rejects.toMatchObject({ code });
    const shape = check(({ x }) => ({ y: tf.sum(x!) }));
    await expect(shape).rejects.toMatchObject({ code, got: 'others' });
  });
});
