import '@tensorflow/tfjs-backend-cpu';
import { TrainError } from '@imglish/core';
import { withoutLeaks } from '@imglish/testing';
import { dispose, scalar, type Tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { Batch } from '../loop/contracts.js';
import { readBatch } from './batch-inputs.js';

const given = <B extends Batch>(batch: B) => readBatch({ index: 7, batch });
const signature = async (rest: object) => (await given({ size: 1, ...rest })).signature;

describe('readBatch', () => {
  it('reads tensors by their path, and puts others in their place', async () => {
    const ids = tensor2d([[1, 2]], [1, 2], 'int32');
    const [mask, weights] = [tensor1d([true, false], 'bool'), tensor1d([0.5])];
    const batch = { size: 2, text: { ids, grid: [1, 2], 'a.b': mask }, list: [null, weights] };
    const read = await given(batch);
    expect(read.inputs).toEqual({
      'batch.text.ids': { dtype: 'int32', shape: [1, 2], data: Int32Array.of(1, 2) },
      'batch.text.a\\.b': { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
      'batch.list.1': { dtype: 'float32', shape: [1], data: Float32Array.of(0.5) },
    });
    dispose([ids, mask, weights]);
    const others = Object.fromEntries(Object.keys(read.inputs).map((name, i) => [name, scalar(i)]));
    expect(read.withTensors(others)).toEqual({
      size: 2,
      text: { ids: others['batch.text.ids'], grid: [1, 2], 'a.b': others['batch.text.a\\.b'] },
      list: [null, others['batch.list.1']],
    });
    dispose(others);
  });

  it('leaves out of the signature what tensors hold, and counts and sizes', async () => {
    const of = (values: number[], count: number, size: number) =>
      withoutLeaks(async () => {
        const x = tensor1d(values);
        const found = (await given({ size, part: { x, count } })).signature;
        x.dispose();
        return found;
      });
    expect(await of([1, 2], 5, 6)).toBe(await of([3, 4], 7, 8));
    expect(await of([1, 2], 5, 6)).not.toBe(await of([1, 2, 3], 5, 6));
  });

  it.each<[string, object, object]>([
    ['numbers', { grid: [4, 6] }, { grid: [6, 4] }],
    ['sizes that are no numbers', { part: { size: [4, 6] } }, { part: { size: [6, 4] } }],
    ['counts that are no numbers', { part: { count: '1' } }, { part: { count: '2' } }],
    ['words', { kind: 'a' }, { kind: 'b' }],
    ['words and what they say', { kind: 'true' }, { kind: true }],
    ['what is absent', { a: undefined }, {}],
    ['lists and objects', { a: [] }, { a: {} }],
    ['numbers in arrays', { a: Int32Array.of(1, 2) }, { a: Int32Array.of(1, 3) }],
    ['where something is', { a: { b: 1 } }, { a: {}, b: 1 }],
    ['what a key contains', { 'a.b': 1 }, { a: { b: 1 } }],
  ])('tells apart %s', async (_, one, other) => {
    expect(await signature(one)).not.toBe(await signature(other));
  });

  it('tells types of tensors apart', async () => {
    const [a, b] = [tensor1d([1]), tensor1d([1], 'int32')];
    expect(await signature({ a })).not.toBe(await signature({ a: b }));
    dispose([a, b]);
  });

  it.each<[string, unknown]>([
    ['an instance of Map', new Map()],
    ['an instance of DataView', new DataView(new ArrayBuffer(1))],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
  ])('refuses %s, which it cannot compare', async (got, value) => {
    const refused = given({ size: 1, a: [value] });
    await expect(refused).rejects.toBeInstanceOf(TrainError);
    await expect(refused).rejects.toMatchObject({
      code: 'train/batch',
      got: `${got} at batch.a.0 in batch 7`,
    });
  });

  it('refuses tensors of other types', async () => {
    const names: Tensor = tensor1d(['a']);
    await expect(given({ size: 1, names })).rejects.toMatchObject({
      code: 'train/batch',
      got: 'a tensor of string at batch.names in batch 7',
    });
    names.dispose();
  });
});
