import { Worker } from 'node:worker_threads';
import type { BackendError, HostTensor } from '@imglish/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batch, float, model, multiples, node, power, sum } from '../../test/models.js';
import type { Device, RuntimeEngine } from './engine.js';
import { Link } from './link.js';
import { nodeEngine } from './node-engine.js';
import { nodePort } from './node-port.js';

const tensor = (shape: number[], ...values: number[]): HostTensor & { dtype: 'float32' } => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

let engine: RuntimeEngine;
beforeAll(async () => {
  engine = await nodeEngine({ threads: 2 });
});
afterAll(() => engine.dispose());

it('says what it is', () => {
  expect(engine.description).toMatch(/^onnxruntime-node 1\.30\.0, cpu, 2 threads, \w+ \w+$/);
});

describe('a session', () => {
  it('copies tensors in and leaves them to the caller', async () => {
    const session = await engine.open(sum, { name: 'sum' });
    const all = Float32Array.of(9, 9, 1, 2, 3, 4, 5, 6, 9);
    const x: HostTensor = { dtype: 'float32', shape: [2, 3], data: all.subarray(2, 8) };
    const running = session.run({ x, w: tensor([3], 1, 2, 3) });
    all.fill(0); // too late to matter
    expect(await running).toEqual({ y: tensor([2, 3], 2, 4, 6, 5, 7, 9) });
    expect(x.data.length).toBe(6);
    await session.dispose();
  });

  it('takes and gives int32 and bool, scalars and what is empty', async () => {
    const casts = model(
      [node('Cast', ['i'], 'b', { to: { int: 9 } }), node('Cast', ['c'], 'j', { to: { int: 6 } })],
      [
        { name: 'i', shape: [batch], dtype: 'int32' },
        { name: 'c', shape: [], dtype: 'bool' },
      ],
      [
        { name: 'b', shape: [batch], dtype: 'bool' },
        { name: 'j', shape: [], dtype: 'int32' },
      ],
    );
    const session = await engine.open(casts, { name: 'casts' });
    const run = (...values: number[]) =>
      session.run({
        i: { dtype: 'int32', shape: [values.length], data: Int32Array.from(values) },
        c: { dtype: 'bool', shape: [], data: Uint8Array.of(1) },
      });
    const j = { dtype: 'int32', shape: [], data: Int32Array.of(1) };
    expect(await run(0, -7, 1)).toEqual({
      b: { dtype: 'bool', shape: [3], data: Uint8Array.of(0, 1, 1) },
      j,
    });
    expect(await run()).toEqual({ b: { dtype: 'bool', shape: [0], data: Uint8Array.of() }, j });
  });

  it('reads regions and writes them in place', async () => {
    const session = await engine.open(multiples(3), { name: 'multiples' });
    const region = await engine.reserve(7);
    expect(Array.from(await region.read())).toEqual([0, 0, 0, 0, 0, 0, 0]);
    await region.write(Float32Array.of(1, 2, 3), 1);
    const x = region.view(1, [3]);
    expect(await session.run({ x }, { into: { z: x } })).toEqual({ y: tensor([3], 2, 4, 6) });
    expect(await session.run({ x }, { into: { y: region.view(4, [3]), z: x } })).toEqual({});
    expect(Array.from(await region.read())).toEqual([0, 9, 18, 27, 6, 12, 18]);
    expect(Array.from(await region.read(4, 2))).toEqual([6, 12]);
    await region.dispose();
  });

  it('runs what is asked for at once in that order', async () => {
    const session = await engine.open(multiples(1), { name: 'multiples' });
    const region = await engine.reserve(1);
    const x = region.view(0, [1]);
    const all: Promise<unknown>[] = [region.write(Float32Array.of(1))];
    for (let i = 0; i < 10; i++) all.push(session.run({ x }, { into: { y: x } }));
    const read = region.read();
    all.push(region.write(Float32Array.of(0)));
    await Promise.all(all);
    expect(Array.from(await read)).toEqual([1024]);
  });

  it('leaves the event loop free', async () => {
    const session = await engine.open(power(512, 40), { name: 'power' });
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 2);
    const x = { dtype: 'float32', shape: [512, 512], data: new Float32Array(512 ** 2) } as const;
    await session.run({ x });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });

  it('says which run failed, on what', async () => {
    const session = await engine.open(sum, { name: 'sum' });
    await expect(
      session.run({ x: tensor([1, 2], 1, 2), w: tensor([3], 1, 2, 3) }),
    ).rejects.toMatchObject({
      code: 'backend/run-failed',
      where: 'sum',
      expected: 'a run with x: float32 [1, 2]; w: float32 [3]',
      got: expect.stringContaining('x'),
    });
    await session.dispose();
    await session.dispose();
    const late = session.run({ x: tensor([1, 3], 1, 2, 3), w: tensor([3], 1, 2, 3) });
    await expect(late).rejects.toMatchObject({ code: 'backend/disposed' });
  });

  it('is not made of what is no model', async () => {
    const broken = { ...sum, bytes: Uint8Array.of(1, 2, 3) };
    await expect(engine.open(broken, { name: 'broken' })).rejects.toMatchObject({
      code: 'backend/model-refused',
      where: 'broken',
    });
    const unknown = model([node('Nonsense', ['x'], 'y')], [float('x', [1])], [float('y', [1])]);
    await expect(engine.open(unknown, { name: 'unknown' })).rejects.toMatchObject({
      code: 'backend/model-refused',
      got: expect.stringContaining('Nonsense'),
    });
  });
});

describe('a region', () => {
  it('has bounds', async () => {
    const region = await engine.reserve(4);
    const code = 'backend/out-of-range';
    expect(() => region.view(2, [3])).toThrowError(expect.objectContaining({ code }));
    expect(() => region.view(-1, [1])).toThrowError(expect.objectContaining({ code }));
    await expect(region.write(new Float32Array(5))).rejects.toMatchObject({ code });
    await expect(region.read(4, 1)).rejects.toMatchObject({ code });
    await expect(engine.reserve(1.5)).rejects.toMatchObject({ code: 'backend/region-size' });
    await expect(engine.reserve(2 ** 50)).rejects.toMatchObject({ code: 'backend/region-size' });
  });

  it('is gone when it was disposed, and belongs to its engine', async () => {
    const session = await engine.open(multiples(1), { name: 'multiples' });
    const region = await engine.reserve(1);
    const x = region.view(0, [1]);
    await region.dispose();
    await region.dispose();
    await expect(region.read()).rejects.toMatchObject({ code: 'backend/disposed' });
    await expect(session.run({ x })).rejects.toMatchObject({ code: 'backend/disposed' });

    const other = await nodeEngine({ threads: 1 });
    const theirs = (await other.reserve(1)).view(0, [1]);
    await expect(session.run({ x: theirs })).rejects.toMatchObject({
      code: 'backend/foreign-region',
    });
    await other.dispose();
  });
});

describe('nodeEngine', () => {
  it('refuses what cannot be', async () => {
    await expect(nodeEngine({ threads: 0 })).rejects.toMatchObject({ code: 'config/threads' });
    await expect(nodeEngine({ device: 'tpu' as Device })).rejects.toMatchObject({
      code: 'config/device',
      got: 'tpu',
    });
  });

  it('runs on CUDA or says that it is not there', async () => {
    const engine = await nodeEngine({ device: 'cuda' }).catch((error: BackendError) => error);
    if ('code' in engine) {
      expect(engine.code).toBe('backend/unavailable');
      expect(engine.expected).toContain("'cuda'");
    } else {
      expect(engine.description).toContain(', cuda, ');
      await engine.dispose();
    }
  });

  it('ends with what is under way, and once', async () => {
    const other = await nodeEngine({ threads: 1 });
    const session = await other.open(sum, { name: 'sum' });
    const region = await other.reserve(1);
    const running = session.run({ x: tensor([1, 3], 1, 2, 3), w: tensor([3], 1, 2, 3) });
    const [, result] = await Promise.allSettled([other.dispose(), running]);
    expect(result).toMatchObject({ reason: { code: 'backend/disposed' } });
    await other.dispose();
    await Promise.all([session.dispose(), region.dispose()]);
    await expect(other.reserve(1)).rejects.toMatchObject({ code: 'backend/disposed' });
  });
});

describe('a worker that ends', () => {
  const linkTo = (code: string) =>
    new Link(nodePort(new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))));
  const receive = `import { parentPort } from 'node:worker_threads'; parentPort.on('message', `;

  it.each([
    ['exits', `${receive} () => process.exit(3));`, 'a worker that exited with 3'],
    ['throws', `${receive} () => { throw new Error('oh'); });`, 'oh'],
  ])('takes all requests with it: it %s', async (_, code, got) => {
    const link = linkTo(code);
    const requests = [link.request('reserve', { length: 1 }), link.request('free', { region: 1 })];
    for (const result of await Promise.allSettled(requests)) {
      expect(result).toMatchObject({ reason: { code: 'backend/engine-lost', got } });
    }
    expect(link.alive).toBe(false);
    await expect(link.request('free', { region: 1 })).rejects.toMatchObject({
      code: 'backend/engine-lost',
    });
    await link.end();
  });
});
