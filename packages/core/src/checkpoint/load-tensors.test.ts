import '@tensorflow/tfjs-backend-cpu';
import { memory } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { goldenSource } from '../../test/checkpoint/fixtures.js';
import { loadCheckpoint } from './load-checkpoint.js';
import { loadTensors } from './load-tensors.js';
import { openCheckpoint } from './open-checkpoint.js';
import type { TensorFile } from './tensor-file.js';

const NAME = 'beit3.text_embed.weight';

async function open(): Promise<{ file: TensorFile; specs: Record<string, never> }> {
  const file = await openCheckpoint(goldenSource('weights/vqa.safetensors'));
  const specs = Object.fromEntries(
    [...file.tensors].map(([name, { shape }]) => [name, { shape, init: { kind: 'zeros' } }]),
  );
  return { file, specs: specs as Record<string, never> };
}

it('makes one tensor for each parameter, which the caller owns', async () => {
  const { file, specs } = await open();
  const before = memory().numTensors;
  const tensors = await loadTensors(loadCheckpoint(file, { specs }));
  expect(memory().numTensors - before).toBe(file.tensors.size);
  expect(tensors[NAME]!.shape).toEqual([97, 32]);
  expect(await tensors[NAME]!.data()).toEqual(await file.tensors.get(NAME)!.readFloat32());
  for (const tensor of Object.values(tensors)) tensor.dispose();
  expect(memory().numTensors).toBe(before);
});

it('disposes what it made when reading fails', async () => {
  const { file, specs } = await open();
  const failing = {
    ...file.tensors.get('head.3.bias')!,
    readFloat32: async () => {
      throw new Error('broken disk');
    },
  };
  const tensors = new Map(file.tensors).set('head.3.bias', failing);
  const before = memory().numTensors;
  const checkpoint = loadCheckpoint({ ...file, tensors }, { specs });
  await expect(loadTensors(checkpoint)).rejects.toThrow('broken disk');
  expect(memory().numTensors).toBe(before);
});
