import '@tensorflow/tfjs-backend-cpu';
import { draw } from '@imglish/core';
import type { Pixels } from '@imglish/tokenizers';
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { mobileNetTeacher } from './mobile-net.js';
import { modelTeacher, type PictureModel } from './teachers.js';

const GRID = [2, 2] as const;

function picture(seed: number): Pixels {
  const random = draw(seed, 'pixels');
  return {
    height: 8,
    width: 8,
    data: Float32Array.from({ length: 192 }, () => 2 * random.uniform() - 1),
  };
}

describe('modelTeacher', () => {
  /** Two numbers of each of four patches. */
  const rows = [1, 2, 3, 4, 5, 6, 7, 8];
  const teacherOf = (shape: number[], values: number[]) => {
    const seen: number[][] = [];
    const model: PictureModel = {
      ...{ name: 'a model', dim: 2 },
      preprocessor: ([h, w]) => ({ size: [4 * h, 4 * w], mean: [0, 0, 0], std: [1, 1, 1] }),
      async run({ shape: pictures, data }) {
        seen.push([...pictures], [Math.min(...data), Math.max(...data)]);
        return { shape, data: Float32Array.from(values) };
      },
    };
    return { teacher: modelTeacher(model), seen };
  };

  it.each([
    ['rows of patches', [1, 4, 2], rows],
    ['<cls> in front', [1, 5, 2], [9, 9, ...rows]],
    ['a grid', [1, 2, 2, 2], [1, 3, 5, 7, 2, 4, 6, 8]],
  ])('takes %s', async (_, shape, values) => {
    const { teacher, seen } = teacherOf(shape, values);
    expect([...(await teacher.features([picture(1)], GRID))]).toEqual(rows);
    const [size, [least, most]] = seen as [number[], [number, number]];
    expect(size).toEqual([1, 3, 8, 8]);
    expect(least).toBeGreaterThanOrEqual(0);
    expect(most).toBeGreaterThan(0.8);
    expect(most).toBeLessThanOrEqual(1);
  });

  it('refuses features on another grid', async () => {
    const { teacher } = teacherOf([1, 3, 2], [1, 2, 3, 4, 5, 6]);
    await expect(teacher.features([picture(1)], GRID)).rejects.toMatchObject({
      code: 'config/teacher',
      got: '[1,3,2]',
    });
  });
});

describe('mobileNetTeacher', () => {
  const base64 = (bytes: ArrayLike<number>) =>
    Buffer.from(Uint8Array.from(bytes)).toString('base64');
  const text = (value: string) => ({ s: Buffer.from(value).toString('base64') });
  const convolution = (
    name: string,
    input: string,
    filter: string,
    bias: string,
    ops: string[],
  ) => ({
    ...{ name, op: '_FusedConv2D', input: [input, filter, bias] },
    attr: {
      strides: { list: { i: ['1', '16', '16', '1'] } },
      padding: text('VALID'),
      fused_ops: { list: { s: ops.map((op) => text(op).s) } },
    },
  });
  const BIAS = 'x/expanded_conv_12/project/Conv2D_bn_offset';

  /** Mean colours of 16 × 16 pixels, doubled, less a third, cut at 0, and added to themselves. */
  const files = (op = 'BiasAdd') => {
    const weights = [
      {
        name: 'two',
        shape: [],
        dtype: 'float32',
        quantization: { min: 2, scale: 1, dtype: 'uint8' },
      },
      {
        ...{ name: 'filter', shape: [16, 16, 3, 3], dtype: 'float32' },
        quantization: { min: 0, scale: 1 / 256, dtype: 'uint8' },
      },
      {
        ...{ name: BIAS, shape: [3], dtype: 'float32' },
        quantization: { min: -1 / 3, scale: 1, dtype: 'uint8' },
      },
    ];
    const filter = Array.from({ length: 16 * 16 * 9 }, (_, i) => (i % 9 === 4 * (i % 3) ? 1 : 0));
    const node = [
      { name: 'input', op: 'Placeholder' },
      ...['two', 'filter', BIAS].map((name) => ({ name, op: 'Const' })),
      { name: 'doubled', op: 'Mul', input: ['input', 'two'] },
      convolution('conv', 'doubled', 'filter', BIAS, [op, 'Relu6']),
      { name: 'x/expanded_conv_12/add', op: 'AddV2', input: ['conv', 'conv'] },
    ];
    const bytes = [0, ...filter, 0, 0, 0];
    return {
      modelJson: async () => ({ modelTopology: { node }, weightsManifest: [{ weights }] }),
      // The second shard as a module.
      weightBundles: [
        async () => base64(bytes.slice(0, 100)),
        async () => ({ default: base64(bytes.slice(100)) }),
      ],
    };
  };

  it('computes what the graph says, and frees what it took', async () => {
    const { numTensors } = memory();
    const teacher = await mobileNetTeacher(files());
    expect(teacher).toMatchObject({ name: 'mobilenet', dim: 3 });
    const grey = (value: number): Pixels => ({
      ...{ height: 8, width: 8 },
      data: new Float32Array(192).fill(value),
    });
    const features = await teacher.features([grey(1), grey(-1), grey(0)], GRID);
    expect(features).toHaveLength(3 * 4 * 3);
    const of = (i: number) => features[12 * i]!;
    expect(of(0)).toBeCloseTo(2 * (2 - 1 / 3), 4);
    expect(of(1)).toBe(0);
    expect(of(2)).toBeCloseTo(2 * (2 * (128 / 255) - 1 / 3), 2);
    await teacher.dispose!();
    expect(memory().numTensors).toBe(numTensors);
  });

  it('refuses graphs that it does not know', async () => {
    const teacher = await mobileNetTeacher(files('Elu'));
    await expect(teacher.features([picture(1)], GRID)).rejects.toMatchObject({
      code: 'tokenizer/graph',
      got: expect.stringContaining('Elu'),
    });
    await teacher.dispose!();
  });
});
