import { type Backend, openBackend } from '@imglish/core';
import '@tensorflow/tfjs-backend-cpu';
import {
  add,
  enableProdMode,
  findBackendFactory,
  getBackend,
  matMul,
  mul,
  tensor1d,
} from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { type OnnxOptions, onnx } from '../node.js';

enableProdMode();
const eager = (): Promise<Backend> =>
  openBackend('cpu', { create: () => findBackendFactory('cpu')() });

it('computes op by op on the one, and whole functions on the other', async () => {
  const backend = await onnx(await eager(), { threads: 1 });
  expect([backend.name, backend.ready, getBackend()]).toEqual(['onnx', true, 'cpu']);
  const bias = tensor1d([1, 2]);
  const { compiler } = backend;
  const affine = await compiler!.compile(
    ({ x, w }) => ({ y: add(matMul(x as never, w as never), mul(bias, 2)) }),
    { x: { shape: [2, 3], dtype: 'float32' }, w: { shape: [3, 2], dtype: 'float32' } },
    { freeSizes: { x: { 0: 'batch' } } },
  );
  expect(getBackend()).toBe('cpu');
  expect(Array.from(bias.dataSync())).toEqual([1, 2]);
  const x = { dtype: 'float32', shape: [1, 3], data: Float32Array.of(1, 2, 3) } as const;
  const w = { dtype: 'float32', shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 1, 1) } as const;
  const { y } = await affine.run({ x, w });
  expect(y).toEqual({ dtype: 'float32', shape: [1, 2], data: Float32Array.of(6, 9) });

  backend.dispose();
  backend.dispose();
  expect(backend.ready).toBe(false);
  await expect(backend.use()).rejects.toMatchObject({ code: 'backend/disposed' });
  await expect(affine.run({ x, w })).rejects.toMatchObject({ code: 'backend/disposed' });
});

it.each([
  [{ cacheBytes: 0 }, 'config/cache-bytes'],
  [{ threads: 1.5 }, 'config/threads'],
  [{ wasmPaths: '/' }, 'config/unknown-key'],
  [{ device: 'gpu' }, 'config/device'],
])('refuses %o, and leaves the other backend open', async (options, code) => {
  const other = await eager();
  await expect(onnx(other, options as OnnxOptions)).rejects.toMatchObject({ code });
  expect(other.ready).toBe(true);
  other.dispose();
});
