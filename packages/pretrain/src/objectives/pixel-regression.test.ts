import '@tensorflow/tfjs-backend-cpu';
import { beit3 } from '@imglish/core';
import { dispose, slice, type Tensor, tensor3d, tidy } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectiveBatch, objectiveParameters, toyObjectiveOptions } from '../../test/objectives.js';
import { PATCHES, toyBatchOptions, toyConfig } from '../../test/toy.js';
import { disposeBatch } from '../batches/dispose-batch.js';
import { pretrainBatches } from '../batches/pretrain-batches.js';
import type { ObjectiveBatch } from './mixture.js';
import {
  normalizedPatch,
  type PixelRegressionInputs,
  pixelRegression,
} from './pixel-regression.js';

const NAMES = ['pixel-regression'] as const;
const config = toyConfig();
const mix = { text: 0, image: 2, pair: 0 };
let parameters: Record<string, Tensor>;
let batch: ObjectiveBatch;
beforeAll(async () => {
  parameters = objectiveParameters(NAMES, config);
  batch = await objectiveBatch(NAMES, toyObjectiveOptions({ mix }), parameters);
});
afterAll(() => dispose([parameters, batch] as never));

const inputs = () => batch.inputs['pixel-regression'] as PixelRegressionInputs;

function lossOf(given: PixelRegressionInputs): number {
  return tidy(
    () => pixelRegression.losses(parameters, config, given, {}).pixels!.sum,
  ).dataSync()[0]!;
}

describe('pixel regression', () => {
  it('normalises every patch by its own mean and deviation; flat ones are 0', () => {
    const normal = normalizedPatch(Float32Array.of(1, 2, 3, 6));
    const deviation = Math.sqrt((4 + 1 + 0 + 9) / 3 + 1e-6);
    [-2, -1, 0, 3].forEach((x, i) => {
      expect(normal[i]).toBeCloseTo(x / deviation, 6);
    });
    expect([...normalizedPatch(new Float32Array(4).fill(0.5))]).toEqual([0, 0, 0, 0]);
  });

  it('masks what masked data modelling masks of an image', async () => {
    const masked = await pretrainBatches(toyBatchOptions({ mix }))(0);
    expect([...inputs().positions.dataSync()]).toEqual([
      ...masked.image!.patches.positions.dataSync(),
    ]);
    expect([...inputs().inputs.imageMask!.dataSync()]).toEqual([
      ...masked.image!.inputs.imageMask!.dataSync(),
    ]);
    disposeBatch(masked);
  });

  it('is the mean square error of the masked patches, and of no others', () => {
    const { inputs: given, positions, count } = inputs();
    const { x, patches, w, b } = tidy(() => {
      const { image } = beit3(parameters, config, given);
      return {
        x: slice(image!, [0, 1, 0]).arraySync().flat() as number[][],
        patches: (given.image as { patches: Tensor }).patches.arraySync() as number[][][],
        w: parameters['pixel_head.weight']!.arraySync() as number[][],
        b: Array.from(parameters['pixel_head.bias']!.dataSync()),
      };
    });
    expect(count).toBe(2 * Math.round(0.4 * PATCHES));
    const expected = Array.from(positions.dataSync()).reduce((sum, at) => {
      const target = normalizedPatch(Float32Array.from(patches.flat()[at]!));
      const squares = w.map((row, j) => {
        const predicted = row.reduce((total, v, k) => total + v * x[at]![k]!, b[j]!);
        return (predicted - target[j]!) ** 2;
      });
      return sum + squares.reduce((total, s) => total + s, 0) / squares.length;
    }, 0);
    expect(Math.abs(lossOf(inputs()) - expected)).toBeLessThan(1e-5 * Math.max(1, expected));
  });

  it('does not see what is under the masks', () => {
    const { patches, grid } = inputs().inputs.image as { patches: Tensor; grid: [number, number] };
    const mask = inputs().inputs.imageMask!.dataSync();
    const replaced = (when: number) => {
      const values = Array.from(patches.dataSync(), (value, i) =>
        mask[Math.floor(i / 12)] === when ? 0.3 : value,
      );
      const image = { patches: tensor3d(values, [2, PATCHES, 12]), grid };
      const loss = lossOf({ ...inputs(), inputs: { ...inputs().inputs, image } });
      image.patches.dispose();
      return loss;
    };
    const before = lossOf(inputs());
    expect(replaced(1)).toBe(before);
    expect(replaced(0)).not.toBe(before);
  });
});
