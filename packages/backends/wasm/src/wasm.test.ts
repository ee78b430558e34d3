import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { wasm } from './node.js';

const MIB = 2 ** 20;

describe('wasm', () => {
  const opened: { dispose(): void }[] = [];
  const open = async (...options: Parameters<typeof wasm>) => {
    const backend = await wasm(...options);
    opened.push(backend);
    return backend;
  };
  afterEach(() => {
    for (const backend of opened.splice(0)) backend.dispose();
  });

  it('opens, computes, goes away and opens again', async () => {
    for (let round = 0; round < 2; round++) {
      const backend = await open();
      expect([backend.name, backend.ready, tf.getBackend()]).toEqual(['wasm', true, 'wasm']);
      const sum = tf.add(tf.tensor1d([1, 2]), tf.tensor1d([3, 4]));
      expect(Array.from(sum.dataSync())).toEqual([4, 6]);
      const product = tf.matMul(tf.ones([2, 3]), tf.ones([3, 2]));
      expect(Array.from(product.dataSync())).toEqual([3, 3, 3, 3]);
      backend.dispose();
      expect(backend.ready).toBe(false);
    }
  });

  it("leaves tfjs's own backend usable", async () => {
    (await wasm()).dispose();
    expect(await tf.setBackend('wasm')).toBe(true);
    const theirs = tf.backend();
    const product = tf.matMul(tf.ones([1, 2]), tf.ones([2, 1]));
    expect(Array.from(product.dataSync())).toEqual([2]);

    const backend = await wasm(); // on theirs
    expect(tf.backend()).toBe(theirs);
    backend.dispose();
    expect(Array.from(product.dataSync())).toEqual([2]);
    tf.removeBackend('wasm');
  });

  it('says so before a tensor does not fit, and goes on', async () => {
    await open({ memoryLimit: 4 * MIB });
    const kept = tf.ones([512, 1024]); // 2 MiB
    const before = tf.memory();
    expect(() => tf.add(tf.concat([kept, kept]), 1)).toThrowError(
      expect.objectContaining({
        code: 'backend/out-of-memory',
        message: expect.stringMatching(/2\.0 MiB live, limit 4\.0 MiB.*4\.0 MiB more/),
      }),
    );
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(kept.dataSync().every((value) => value === 1)).toBe(true);
    kept.dispose();
    tf.ones([1024, 512]).dispose();
  });

  it('gives back what a kernel with several outputs took when one does not fit', async () => {
    await open({ memoryLimit: 3 * MIB });
    const x = tf.ones([256, 1024]); // 1 MiB
    const g = tf.ones([1024]);
    const inputs = { parameter: x, gradient: x, m: x, v: x };
    for (let i = 0; i < 5; i++) {
      expect(() => tf.engine().runKernel('ImglishAdamW', inputs, {})).toThrowError(
        /out-of-memory|MiB/,
      );
    }
    const room = tf.ones([400, 1024]); // 1.6 MiB, gone if anything had stayed
    tf.dispose([x, g, room]);
  });

  it('takes a new limit from a later call', async () => {
    await open({ memoryLimit: MIB });
    expect(() => tf.ones([1024, 1024])).toThrowError();
    await open({ memoryLimit: 16 * MIB });
    tf.ones([1024, 1024]).dispose();
  });

  it('refuses a limit that cannot be', async () => {
    await expect(wasm({ memoryLimit: 0 })).rejects.toMatchObject({ code: 'backend/memory-limit' });
  });
});
