import type { HostTensor } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { batch, float, model, multiples, node, sum } from '../../test/models.js';
import { webEngine } from './web-engine.js';

/** Where Vite serves the files of onnxruntime-web. */
const wasmPaths = '/packages/backends/onnx/node_modules/onnxruntime-web/dist/';
const tensor = (shape: number[], ...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

describe('webEngine', () => {
  it('runs on tensors and regions, and writes into regions', async () => {
    const engine = await webEngine({ wasmPaths });
    expect(engine.description).toBe('onnxruntime-web 1.30.0, cpu, 1 thread');
    const session = await engine.open(sum, { name: 'sum' });
    const region = await engine.reserve(9);
    await region.write(Float32Array.of(1, 2, 3));
    const x = tensor([2, 3], 1, 2, 3, 4, 5, 6);
    const w = region.view(0, [3]);
    expect(await session.run({ x, w })).toEqual({ y: tensor([2, 3], 2, 4, 6, 5, 7, 9) });
    expect(x.data.length).toBe(6);
    const into = { y: region.view(3, [2, 3]) };
    expect(await session.run({ x, w }, { into })).toEqual({});
    expect(Array.from(await region.read())).toEqual([1, 2, 3, 2, 4, 6, 5, 7, 9]);

    const inPlace = await engine.open(multiples(3), { name: 'multiples' });
    expect(await inPlace.run({ x: w }, { into: { z: w } })).toEqual({ y: tensor([3], 2, 4, 6) });
    expect(Array.from(await region.read(0, 4))).toEqual([3, 6, 9, 2]);

    await expect(session.run({ x, w: tensor([4], 1, 2, 3, 4) })).rejects.toMatchObject({
      code: 'backend/run-failed',
      where: 'sum',
    });
    await engine.dispose();
    await expect(session.run({ x, w })).rejects.toMatchObject({ code: 'backend/disposed' });
  });

  it('fetches of files what a model needs', async () => {
    const engine = await webEngine(); // the runtime's own files are beside its script here
    const far = 300_000;
    const file = new Float32Array(100_000).map((_, i) => i);
    const url = URL.createObjectURL(new Blob([file]));
    const weight = (name: string, offset: number) => ({
      name,
      type: 'float32' as const,
      shape: [2],
      values: { location: 'w', offset, bytes: 8 },
    });
    const weights = model(
      [node('Add', ['x', 'a'], 's'), node('Add', ['s', 'b'], 't'), node('Add', ['t', 'c'], 'y')],
      [float('x', [batch, 2])],
      [float('y', [batch, 2])],
      [weight('a', 4), weight('b', 16), weight('c', far)],
      { w: url },
    );
    const session = await engine.open(weights, { name: 'weights' });
    const { y } = await session.run({ x: tensor([1, 2], 0, 0.5) });
    expect(y).toEqual(tensor([1, 2], 1 + 4 + far / 4, 2 + 5 + far / 4 + 1.5));
    await expect(
      engine.open({ ...weights, externalFiles: {} }, { name: 'weights' }),
    ).rejects.toMatchObject({ code: 'backend/model-refused', got: 'w: not there' });
    URL.revokeObjectURL(url);
    await engine.dispose();
  });

  it('says why it does not start', async () => {
    await expect(webEngine({ wasmPaths: '/none/' })).rejects.toMatchObject({
      code: 'backend/unavailable',
    });
    await expect(webEngine({ wasmPaths, device: 'cuda' })).rejects.toMatchObject({
      code: 'backend/unavailable',
      got: 'one for cpu, webgpu',
    });
    await expect(webEngine({ wasmPaths, threads: 2 })).rejects.toMatchObject({
      code: 'backend/unavailable',
      got: 'threads: 2',
    });
  });
});

const gpu = await (navigator as { gpu?: { requestAdapter(): Promise<object | null> } }).gpu
  ?.requestAdapter()
  .catch(() => null);
describe.skipIf(!gpu)('webEngine on WebGPU', () => {
  it('gives what it gives on the processor', { timeout: 120_000 }, async () => {
    const engine = await webEngine({ wasmPaths, device: 'webgpu' });
    expect(engine.description).toBe('onnxruntime-web 1.30.0, webgpu, 1 thread');
    const session = await engine.open(sum, { name: 'sum' });
    const region = await engine.reserve(9);
    await region.write(Float32Array.of(1, 2, 3));
    const x = tensor([2, 3], 1, 2, 3, 4, 5, 6);
    const w = region.view(0, [3]);
    expect(await session.run({ x, w })).toEqual({ y: tensor([2, 3], 2, 4, 6, 5, 7, 9) });
    await session.run({ x, w }, { into: { y: region.view(3, [2, 3]) } });
    expect(Array.from(await region.read(3))).toEqual([2, 4, 6, 5, 7, 9]);
    await engine.dispose();
  });
});
