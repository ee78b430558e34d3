import { type Backend, BackendError } from '@imglish/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { choose } from './choose.js';
import { auto as anywhere } from './index.js';
import { auto } from './node.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('auto', () => {
  it('takes wasm first', async () => {
    const { backend, tried } = await auto();
    expect(tried).toEqual([{ name: 'wasm', ok: true }]);
    expect([backend.name, tf.getBackend()]).toEqual(['wasm', 'wasm']);
    backend.dispose();
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
    await expect(auto()).rejects.toMatchObject({ code, expected: 'one of wasm, cpu' });
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
