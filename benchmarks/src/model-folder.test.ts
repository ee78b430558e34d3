import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backboneSpecs, preset } from '@imglish/core';
import { expect, it } from 'vitest';
import { readTensor, writeRandomModel } from './model-folder.js';

it('writes the same random model every time, with nothing at its trivial value', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'imglish-test-'));
  const config = { ...preset('tiny'), layers: 1, ffnDim: 128, maxTextPositions: 66 };
  const read = async () => {
    await writeRandomModel(folder, config);
    const path = join(folder, 'model.safetensors');
    const names = Object.keys(backboneSpecs(config));
    return new Map(
      await Promise.all(names.map(async (name) => [name, await readTensor(path, name)] as const)),
    );
  };
  const first = await read();
  const second = await read();
  for (const [name, values] of first) {
    expect(
      values.every((x, i) => x === second.get(name)![i]),
      name,
    ).toBe(true);
  }
  const moments = (name: string) => {
    const values = first.get(name)!;
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    return {
      mean,
      std: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length),
    };
  };
  const words = moments('beit3.text_embed.weight');
  expect(words.mean).toBeCloseTo(0, 2);
  expect(words.std).toBeCloseTo(128 ** -0.5, 2);
  expect(moments('beit3.encoder.layer_norm.A.weight').mean).toBeCloseTo(1, 1);
  for (const [name, values] of first) {
    expect(new Set(values).size, name).toBeGreaterThan(values.length / 2);
  }
  await rm(folder, { recursive: true });
});
