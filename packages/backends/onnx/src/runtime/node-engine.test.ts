import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RuntimeEngine } from './engine.js';
import { nodeEngine } from './node-engine.js';
import { sum } from './test-models.js';

let engine: RuntimeEngine;
beforeAll(async () => {
  engine = await nodeEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

it('says what it is', () => {
  expect(engine.description).toMatch(/^onnxruntime-node 1\.30\.0, cpu, 1 thread, \w+ \w+$/);
});

it('runs on tensors and regions, and writes into regions', async () => {
  const session = await engine.open(sum, { name: 'sum' });
  const region = await engine.reserve(11);
  await region.write(Float32Array.of(1, 2, 3), 2);
  const x = { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
  const { y } = await session.run({ x, w: region.view(2, [3]) });
  expect(y).toEqual({ dtype: 'float32', shape: [2, 3], data: Float32Array.of(2, 4, 6, 5, 7, 9) });
  expect(x.data.length).toBe(6);
  const result = await session.run(
    { x, w: region.view(2, [3]) },
    { into: { y: region.view(5, [2, 3]) } },
  );
  expect(result).toEqual({});
  expect(Array.from(await region.read())).toEqual([0, 0, 1, 2, 3, 2, 4, 6, 5, 7, 9]);
});
