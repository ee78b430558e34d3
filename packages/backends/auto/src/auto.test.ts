import { type Backend, BackendError } from '@imglish/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { choose } from './choose.js';
import { auto as anywhere } from './index.js';
import { auto } from './node.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const unavailable = { code: 'backend/unavailable', where: 'onnx', expected: 'a runtime' };

describe('auto', () => {
  it('takes onnx first, which compiles, with wasm for the rest', async () => {
    const { backend, tried } = await auto();
    expect(tried).toEqual([{ name: 'onnx', ok: true }]);
    expect([backend.name, tf.getBackend()]).toEqual(['onnx', 'wasm']);
    expect(backend.compiler?.description).toContain('onnxruntime');
    backend.dispose();
    expect(tf.engine().registry.wasm).toBeUndefined();
  });

  it('gives onnx as many threads as asked for', async () => {
    const { backend } = await auto({ backend: 'onnx', threads: 1 });
    expect(backend.compiler?.description).toContain(' 1 thread,');
    backend.dispose();
    await expect(auto({ backend: 'onnx', threads: 0 })).rejects.toMatchObject({
      code: 'config/threads',
    });
  });

  it('takes wasm first where it is not known what else there is', async () => {
    const { backend, tried } = await anywhere();
    expect(tried).toEqual([{ name: 'wasm', ok: true }]);
    backend.dispose();
  });

  it('goes on to wasm where onnx does not work, and leaves no engine behind', async () => {
    vi.doMock('@imglish/backend-onnx/node', () => ({
      onnx: () => Promise.reject(new BackendError({ ...unavailable, got: 'no runtime' })),
    }));
    const { backend, tried } = await auto();
    expect(tried).toEqual([
      { name: 'onnx', ok: false, reason: expect.stringContaining('no runtime') },
      { name: 'wasm', ok: true },
    ]);
    backend.dispose();
    expect(tf.engine().registry.wasm).toBeUndefined();
    vi.doUnmock('@imglish/backend-onnx/node');
  });

  it('is overruled by the variable, and that by the argument', async () => {
    vi.stubEnv('IMGLISH_BACKEND', 'cpu');
    const byVariable = await auto();
    expect(byVariable).toMatchObject({ backend: { name: 'cpu' }, tried: [{ name: 'cpu' }] });
    const byArgument = await auto({ backend: 'wasm' });
    expect(byArgument.backend.name).toBe('wasm');
    byVariable.backend.dispose();
    byArgument.backend.dispose();
  });

  it('works without Node, where there is no variable', async () => {
    vi.stubEnv('IMGLISH_BACKEND', 'nonsense');
    const { backend } = await anywhere({ backend: 'cpu' });
    expect(backend.name).toBe('cpu');
    backend.dispose();
  });

  it('refuses a name it does not know', async () => {
    const code = 'backend/unknown';
    await expect(anywhere({ backend: 'gpu' })).rejects.toMatchObject({ code, got: "'gpu'" });
    vi.stubEnv('IMGLISH_BACKEND', 'tpu');
    await expect(auto()).rejects.toMatchObject({ code, expected: 'one of onnx, wasm, cpu' });
  });
});

describe('choose', () => {
  const there = { name: 'there' } as Backend;
  const absent = { name: 'absent', open: () => Promise.reject(new Error('not installed')) };

  it('goes on and says why', async () => {
    const present = { name: 'there', open: async () => there };
    const { backend, tried } = await choose([absent, present]);
    expect(backend).toBe(there);
    expect(tried).toEqual([
      { name: 'absent', ok: false, reason: 'not installed' },
      { name: 'there', ok: true },
    ]);
  });

  it('does not replace the one that was asked for', async () => {
    const present = { name: 'there', open: async () => there };
    await expect(choose([absent, present], 'absent')).rejects.toMatchObject({
      code: 'backend/unavailable',
      got: 'absent: not installed',
    });
  });

  it('does not hide a broken installation behind the next backend', async () => {
    const code = 'backend/two-engines';
    const details = { code, where: 'x', expected: 'one', got: 'two' };
    const broken = { name: 'broken', open: () => Promise.reject(new BackendError(details)) };
    const present = { name: 'there', open: async () => there };
    await expect(choose([broken, present])).rejects.toMatchObject({ code });
  });
});
