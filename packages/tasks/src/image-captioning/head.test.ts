import { expectAllClose } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { type Tensor2D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { generationMask } from '../../test/batches.js';
import { pixelsOf, randomParameters, smallConfig, textOf } from '../../test/small-model.js';
import { forward, headSpecs } from './head.js';

const config = smallConfig();
const parameters = randomParameters(config, headSpecs(config));
const image = { pixels: pixelsOf(config, 2) };
const textIds = textOf(config, 2, 5);
const WORDS = config.vocabularySize;

/** Logits at the slots, one row each. */
function rowsAt(slots: number[], ids: Tensor2D = textIds): number[][] {
  const logits = tidy(() => {
    const inputs = { image, textIds: ids, attentionMask: generationMask(config, 5) };
    const given = { ...inputs, slots: tensor1d(slots, 'int32') };
    return [...forward(parameters, config, given).logits.dataSync()];
  });
  return slots.map((_, i) => logits.slice(i * WORDS, (i + 1) * WORDS));
}

describe('words at slots', () => {
  it('are taken row by row over the batch, in any order, also twice', () => {
    const all = rowsAt(Array.from({ length: 10 }, (_, i) => i));
    const some = rowsAt([7, 2, 2]);
    expectAllClose(
      some.flat(),
      [7, 2, 2].flatMap((i) => all[i]!),
      { absolute: 1e-6 },
    );
    expect(all[2]).not.toEqual(all[7]);
  });

  it('hang on no later word', () => {
    const ids = [...textIds.dataSync()];
    ids[3] = (ids[3]! + 1) % WORDS;
    const changed = tensor2d(ids, [2, 5], 'int32');
    const [before, after] = [rowsAt([0, 1, 2, 3, 8]), rowsAt([0, 1, 2, 3, 8], changed)];
    for (const same of [0, 1, 2, 4]) expect(after[same]).toEqual(before[same]);
    expect(after[3]).not.toEqual(before[3]);
  });
});
