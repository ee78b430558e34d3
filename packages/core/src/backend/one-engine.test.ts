import { createRequire } from 'node:module';
import { Tensor, version_core } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { engine } from '../autodiff/engine.js';
import { assertEngineVersion, assertOneEngine } from './one-engine.js';

const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return `${(error as { code: string }).code} ${(error as Error).message}`;
  }
  return 'nothing thrown';
};

describe('assertOneEngine', () => {
  it('lets the first copy pass, as often as it likes', () => {
    expect(code(() => engine())).toBe('nothing thrown');
    expect(code(() => assertOneEngine('a', { Tensor, version_core }))).toBe('nothing thrown');
    expect(engine()).toBe(engine());
  });

  it('refuses a second copy and says what to do', () => {
    engine();
    const require = createRequire(import.meta.url);
    const path = require.resolve('@tensorflow/tfjs-core');
    const first = require.cache[path];
    delete require.cache[path];
    const second = require(path) as typeof import('@tensorflow/tfjs-core');
    if (first) require.cache[path] = first;
    expect(second.Tensor).not.toBe(Tensor);
    expect(second.engine()).toBe(engine());

    const message = code(() => assertOneEngine('webgpu', second));
    expect(message).toContain('backend/two-engines webgpu');
    expect(message).toContain('peer dependency');
    expect(message).toContain('npm ls @tensorflow/tfjs-core');
    expect(code(() => engine())).toBe('nothing thrown');
  });
});

describe('assertEngineVersion', () => {
  it('names both versions', () => {
    const copy = { Tensor, version_core: '3.21.0' };
    expect(code(() => assertEngineVersion('engine', copy, '4.22.0'))).toMatch(
      /^backend\/wrong-engine .*4\.22\.0.* got 3\.21\.0/,
    );
    expect(code(() => assertEngineVersion('engine', { Tensor, version_core }, version_core))).toBe(
      'nothing thrown',
    );
  });
});
