import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batch, float, model, node } from '../../test/models.js';
import type { RuntimeEngine } from './engine.js';
import { nodeEngine } from './node-engine.js';

let engine: RuntimeEngine;
const folder = mkdtempSync(join(tmpdir(), 'imglish-weights-'));
beforeAll(async () => {
  engine = await nodeEngine({ threads: 1 });
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const FAR = 5 * 2 ** 30 + 4;
const floats = (...values: number[]): Uint8Array =>
  new Uint8Array(Float32Array.from(values).buffer);
const at = (location: string, offset: number) => ({ location, offset, bytes: 12 });
const run = async (weights: ReturnType<typeof pointing>) => {
  const session = await engine.open(weights, { name: 'weights' });
  const { y } = await session.run({
    x: { dtype: 'float32', shape: [1, 3], data: Float32Array.of(1, 1, 1) },
  });
  await session.dispose();
  return Array.from(y!.data);
};
/** y = x + a + b, a at byte 4 of `one.bin`, b far into `two.bin`. */
const pointing = (externalFiles: Record<string, string>) =>
  model(
    [node('Add', ['x', 'a'], 't'), node('Add', ['t', 'b'], 'y')],
    [float('x', [batch, 3])],
    [float('y', [batch, 3])],
    [
      { name: 'a', type: 'float32', shape: [3], values: at('one.bin', 4) },
      { name: 'b', type: 'float32', shape: [3], values: at('two.bin', FAR) },
    ],
    externalFiles,
  );

describe('weights that stay in their files', () => {
  it('may lie in several folders, behind links, where nothing can be written, and far into a file', async () => {
    const blobs = join(folder, 'blobs');
    const second = join(folder, 'mit Leerzeichen & ü');
    mkdirSync(blobs);
    mkdirSync(second);
    writeFileSync(join(blobs, '0a1b'), floats(9, 1, 2, 3));
    symlinkSync(join('blobs', '0a1b'), join(folder, 'one.bin'));
    const file = openSync(join(second, 'two.bin'), 'w');
    writeSync(file, floats(10, 20, 30), 0, 12, FAR); // the rest is a hole
    chmodSync(blobs, 0o555);
    const weights = pointing({
      'one.bin': join(folder, 'one.bin'),
      'two.bin': join(second, 'two.bin'),
    });
    expect(await run(weights)).toEqual([12, 23, 34]);
    chmodSync(blobs, 0o755);
    truncateSync(join(second, 'two.bin'), 100);
    await expect(run(weights)).rejects.toMatchObject({ code: 'backend/model-refused' });
  });

  it('are missed by name', async () => {
    const gone = join(folder, 'gone.bin');
    await expect(run(pointing({ 'one.bin': gone, 'two.bin': gone }))).rejects.toMatchObject({
      code: 'io/not-found',
      expected: `weights at ${gone}`,
    });
    writeFileSync(gone, floats(1));
    await expect(run(pointing({ 'two.bin': gone }))).rejects.toMatchObject({
      code: 'backend/model-refused',
      got: 'one.bin: not there',
    });
  });
});

describe.skipIf(process.platform !== 'linux')('the memory of the process', () => {
  const privateBytes = (): number =>
    [
      ...readFileSync('/proc/self/smaps_rollup', 'utf8').matchAll(/^Private_\w+:\s+(\d+) kB/gm),
    ].reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1024, 0);

  it('has weights once', async () => {
    const [rows, columns, count] = [3072, 768, 12];
    const bytes = rows * columns * 4;
    const file = join(folder, 'large.bin');
    writeFileSync(file, '');
    truncateSync(file, bytes * count); // a hole: nothing passes through this process
    const weight = (i: number) => ({
      name: `w${i}`,
      type: 'float32' as const,
      shape: i % 2 ? [columns, rows] : [rows, columns],
      values: { location: 'large.bin', offset: i * bytes, bytes },
    });
    const layers = model(
      Array.from({ length: count }, (_, i) =>
        node('Gemm', [i === 0 ? 'x' : `y${i}`, `w${i}`], i === count - 1 ? 'y' : `y${i + 1}`, {
          transB: { int: 1 },
        }),
      ),
      [float('x', [batch, columns])],
      [float('y', [batch, columns])],
      Array.from({ length: count }, (_, i) => weight(i)),
      { 'large.bin': file },
    );
    // What the library itself takes is there before.
    const input = float('x', [1]);
    await engine.open(model([node('Abs', ['x'], 'y')], [input], [float('y', [1])]), {
      name: 'first',
    });
    const before = privateBytes();
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, privateBytes() - before);
    }, 5);
    const x = { dtype: 'float32', shape: [1, columns], data: new Float32Array(columns) } as const;
    // Again and again: what is freed is used again.
    for (let round = 0; round < 3; round++) {
      const session = await engine.open(layers, { name: 'layers' });
      expect(session.bytes).toBe(bytes * count + layers.bytes.length);
      await session.run({ x });
      expect(privateBytes() - before).toBeLessThan(1.5 * bytes * count);
      await session.dispose();
    }
    clearInterval(watch);
    expect(peak).toBeLessThan(2.5 * bytes * count);
  });
});
