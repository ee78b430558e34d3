import '@tensorflow/tfjs-backend-cpu';
import { beit3, type Parameters } from '@imglish/core';
import { dispose, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  objectiveBatch,
  objectiveParameters,
  type ToyObjectiveOptions,
  toyObjectiveOptions,
} from '../../test/objectives.js';
import { codesOf, datasetOf, mosaic, toyConfig } from '../../test/toy.js';
import { imageTextMatching, type MatchingInputs } from './image-text-matching.js';

const NAMES = ['image-text-contrastive', 'image-text-matching'] as const;
const config = toyConfig({ variant: 'paper', fusionLayers: 1 });
const CAPTIONS = ['red above red', 'blue above red', 'black above white', 'green above blue'];
let parameters: Record<string, Tensor>;
const made: unknown[] = [];
beforeAll(() => {
  parameters = objectiveParameters(NAMES, config);
  made.push(parameters);
});
afterAll(() => dispose(made as never));

/** Of pairs that show mosaic `images[i]` and say caption `texts[i]`. */
async function inputsOf(images: number[], texts: number[]): Promise<MatchingInputs> {
  const pairs = images.map((image, i) => ({
    id: `${i}`,
    image: mosaic(codesOf(image)),
    captions: [CAPTIONS[texts[i]!]!],
  }));
  const options: Partial<ToyObjectiveOptions> = {
    config,
    pairs: datasetOf(pairs),
    mix: { text: 0, image: 0, pair: pairs.length },
  };
  const batch = await objectiveBatch(NAMES, toyObjectiveOptions(options), parameters);
  made.push(batch);
  return batch.inputs['image-text-matching'] as MatchingInputs;
}

const rows = (tensor: Tensor): string[] => {
  const values = Array.from(tensor.dataSync());
  const width = values.length / tensor.shape[0]!;
  return Array.from({ length: tensor.shape[0]! }, (_, i) =>
    values.slice(i * width, (i + 1) * width).join(),
  );
};

/** log p(label) of one side, in float64. */
function logProbability(
  weights: Parameters,
  inputs: Parameters & { patches: Tensor; textIds: Tensor; paddingMask: Tensor },
  label: number,
): number[] {
  const cls = tidy(() => {
    const { patches, textIds, paddingMask } = inputs as never as Record<string, never>;
    const image = { patches: patches!, grid: [4, 4] as const };
    const { sequence } = beit3(weights, config, {
      image,
      textIds: textIds!,
      paddingMask: paddingMask!,
    });
    return (sequence.arraySync() as number[][][]).map((sample) => sample[0]!);
  });
  const linear = (name: string, x: number[]) => {
    const bias = weights[`${name}.bias`]!.dataSync();
    const weight = weights[`${name}.weight`]!.arraySync() as number[][];
    return weight.map((row, j) => row.reduce((sum, w, k) => sum + w * x[k]!, bias[j]!));
  };
  return cls.map((x) => {
    const z = linear('itm_head', linear('itm_pooler', x).map(Math.tanh));
    return z[label]! - Math.log(Math.exp(z[0]!) + Math.exp(z[1]!));
  });
}

function sumOf(inputs: MatchingInputs): number {
  const sum = tidy(() => imageTextMatching.losses(parameters, config, inputs, {}).matching!.sum);
  const value = sum.dataSync()[0]!;
  sum.dispose();
  return value;
}

describe('image-text matching', () => {
  it('sets a wrong image and a wrong text beside every pair', async () => {
    const inputs = await inputsOf([0, 1, 2, 3], [0, 1, 2, 3]);
    const [images, texts] = [rows(inputs.image.patches), rows(inputs.textIds)];
    const wrong = inputs.wrong!;
    rows(wrong.patches).forEach((image, i) => {
      expect(images).toContain(image);
      expect(image).not.toBe(images[i]);
    });
    rows(wrong.textIds).forEach((text, i) => {
      expect(texts).toContain(text);
      expect(text).not.toBe(texts[i]);
      const from = texts.indexOf(text);
      expect(rows(wrong.paddingMask)[i]).toBe(rows(inputs.paddingMask)[from]);
    });
    expect([...wrong.labels.dataSync()]).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...wrong.weights.dataSync()]).toEqual(new Array(12).fill(1));
    expect(imageTextMatching.counts(inputs)).toEqual({ matching: 12 });
  });

  it('takes no copy of a pair for a wrong one; where all are copies, pairs alone count', async () => {
    const some = await inputsOf([0, 0, 1], [0, 1, 1]);
    // Two share an image, two a text: the one in the middle has nothing that is wrong for it.
    expect(some.wrong!.count).toBe(3 + 2 + 2);
    const copies = await inputsOf([2, 2], [1, 1]);
    expect([...copies.wrong!.weights.dataSync()]).toEqual([1, 1, 0, 0, 0, 0]);
    expect(imageTextMatching.counts(copies)).toEqual({ matching: 2 });
    const sum = sumOf(copies);
    expect(Number.isFinite(sum)).toBe(true);
  });

  it('is −log p(yes) of pairs and −log p(no) of what is wrong', async () => {
    const inputs = await inputsOf([0, 1, 2, 3], [0, 1, 2, 3]);
    const { image, textIds, paddingMask } = inputs;
    const pair = { patches: image.patches, textIds, paddingMask };
    const wrong = inputs.wrong!;
    const all = [
      ...logProbability(parameters, pair, 1),
      ...logProbability(parameters, { ...pair, patches: wrong.patches }, 0),
      ...logProbability(
        parameters,
        { ...pair, textIds: wrong.textIds, paddingMask: wrong.paddingMask },
        0,
      ),
    ];
    const expected = all.reduce((sum, log) => sum - log, 0);
    const sum = sumOf(inputs);
    expect(Math.abs(sum - expected)).toBeLessThan(1e-5 * expected);
  });
});
