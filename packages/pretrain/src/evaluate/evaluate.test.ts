import '@tensorflow/tfjs-backend-cpu';
import {
  type Executor,
  eagerExecutor,
  type HostTensor,
  modelConfig,
  type Parameters,
  type Traceable,
} from '@imglish/core';
import { withoutLeaks } from '@imglish/testing';
import {
  dispose,
  type Tensor,
  type Tensor3D,
  tensor1d,
  tidy,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomParameters } from '../../test/parameters.js';
import { toyBatchOptions, toyConfig, toyTextTokenizer } from '../../test/toy.js';
import { pretrainBatches } from '../batches/pretrain-batches.js';
import {
  type MaskedSlots,
  type MaskedStream,
  maskedLogits,
  maskedLosses,
} from '../objectives/masked-data-modelling.js';
import { labelFrequencies, unigramLoss } from './baseline.js';
import { evaluatePretraining } from './evaluate.js';
import { Tally } from './tally.js';

const slotsOf = (labels: number[], weights = labels.map(() => 1)): MaskedSlots => ({
  positions: tensor1d(
    labels.map((_, i) => i),
    'int32',
  ),
  labels: tensor1d(labels, 'int32'),
  weights: tensor1d(weights),
  count: weights.filter((weight) => weight === 1).length,
});

const logitsOf = (rows: number[][]): HostTensor => ({
  dtype: 'float32',
  shape: [rows.length, rows[0]!.length],
  data: Float32Array.from(rows.flat()),
});

describe('a score', () => {
  it('is the share of right answers and the mean −log p, over the slots that are not empty', () => {
    // p = (1/7, 2/7, 4/7), (1/2, 1/4, 1/4), all equal, and an empty slot.
    const logits = logitsOf([
      [0, Math.log(2), Math.log(4)],
      [Math.log(2), 0, 0],
      [3, 3, 3],
      [9, 0, 0],
    ]);
    const tally = new Tally();
    tally.addLogits(logits, { labels: [2, 1, 1, 0], weights: [1, 1, 1, 0] });
    const { count, accuracy, loss } = tally.score();
    expect(count).toBe(3);
    expect(accuracy).toBeCloseTo(1 / 3, 12); // Equal logits are no answer but the first.
    expect(loss).toBeCloseTo((Math.log(7 / 4) + Math.log(4) + Math.log(3)) / 3, 6);
  });

  it('of the frequencies is the share of the most frequent label and their mean loss', () => {
    const known = {
      counts: new Map([
        [1, 5],
        [2, 3],
      ]),
      total: 8,
      most: 1,
    };
    const tally = new Tally();
    tally.addFrequencies(known, { labels: [1, 2, 0, 1], weights: [1, 1, 1, 0] }, 4);
    const { count, accuracy, loss } = tally.score();
    expect(count).toBe(3);
    expect(accuracy).toBeCloseTo(1 / 3, 12);
    expect(loss).toBeCloseTo(-(Math.log(6 / 12) + Math.log(4 / 12) + Math.log(1 / 12)) / 3, 12);
  });

  it('refuses a label that the head does not have', () => {
    const add = () => new Tally().addLogits(logitsOf([[1, 2]]), { labels: [2], weights: [1] });
    expect(add).toThrow(expect.objectContaining({ code: 'config/label' }));
  });
});

describe('unigramLoss', () => {
  it('is −log of the share, one added to every class', () => {
    const known = {
      counts: new Map([
        [4, 3],
        [7, 1],
      ]),
      total: 4,
      most: 4,
    };
    expect(unigramLoss(known, 4, 6)).toBeCloseTo(-Math.log(4 / 10), 12);
    expect(unigramLoss(known, 7, 6)).toBeCloseTo(-Math.log(2 / 10), 12);
    expect(unigramLoss(known, 0, 6)).toBeCloseTo(-Math.log(1 / 10), 12);
    const all = Array.from({ length: 6 + 2 }, (_, label) => label).slice(2);
    const total = all.reduce((sum, label) => sum + Math.exp(-unigramLoss(known, label, 6)), 0);
    expect(total).toBeCloseTo(1, 12);
  });
});

describe('labelFrequencies', () => {
  it('counts the labels of slots that are not empty, and takes the least of the most frequent', async () => {
    const texts = [slotsOf([5, 3, 3, 9], [1, 1, 1, 0]), slotsOf([5, 8])];
    const images = [slotsOf([1, 1]), slotsOf([0, 2])];
    const source = async (index: number) => ({
      size: 1,
      text: { inputs: {}, words: texts[index]! },
      image: { inputs: {}, patches: images[index]! },
    });
    const { text, image, ...others } = await labelFrequencies(source, 2);
    expect(others).toEqual({});
    expect(text).toEqual({
      counts: new Map([
        [5, 2],
        [3, 2],
        [8, 1],
      ]),
      total: 5,
      most: 3,
    });
    expect(image).toEqual({
      counts: new Map([
        [1, 2],
        [0, 1],
        [2, 1],
      ]),
      total: 4,
      most: 1,
    });
    for (const slots of [...texts, ...images]) expect(slots.labels.isDisposed).toBe(true);
  });
});

describe('evaluatePretraining', () => {
  const config = toyConfig();
  const source = pretrainBatches(toyBatchOptions({ config, seed: 7 }));
  let parameters: Record<string, Tensor>;
  beforeAll(() => {
    parameters = randomParameters(config);
  });
  afterAll(() => dispose(parameters));

  const BATCHES = 2;
  const evaluate = async (given: Parameters = parameters, from = source, model = config) =>
    evaluatePretraining(
      eagerExecutor(given),
      model,
      from,
      BATCHES,
      await labelFrequencies(source, 3),
    );

  it('scores a head that always says the same by hand', async () => {
    // Weights of 0 leave the bias: the same logits everywhere, whatever is read.
    const constant = (values: number[]) => tensor1d(values);
    const above = toyTextTokenizer().pieceToId('\u2581above')!;
    const words = Array.from({ length: config.vocabularySize }, (_, i) => (i === above ? 2 : 0));
    const heads = {
      'mlm_head.weight': zerosLike(parameters['mlm_head.weight']!),
      'mlm_head.bias': constant(words),
      'mim_head.weight': zerosLike(parameters['mim_head.weight']!),
      'mim_head.bias': constant([0, 0, 0, 3, 0]),
    };
    const { pairText, pairImage } = await evaluate({ ...parameters, ...heads });
    const labels = { pairText: [] as number[], pairImage: [] as number[] };
    for (let index = 0; index < BATCHES; index++) {
      const { pair } = await source(index);
      for (const [part, slots] of [
        ['pairText', pair!.words],
        ['pairImage', pair!.patches],
      ] as const) {
        const real = slots.weights.dataSync();
        labels[part].push(...Array.from(slots.labels.dataSync()).filter((_, i) => real[i] === 1));
      }
    }
    for (const [part, evaluation, answer, logit, classes] of [
      ['pairText', pairText!, above, 2, config.vocabularySize],
      ['pairImage', pairImage!, 3, 3, 5],
    ] as const) {
      const right = labels[part].filter((label) => label === answer).length;
      const count = labels[part].length;
      const normalizer = Math.log(Math.exp(logit) + classes - 1);
      expect(right).toBeGreaterThan(0);
      for (const score of [evaluation.model, evaluation.withoutPartner!]) {
        expect(score.count).toBe(count);
        expect(score.accuracy).toBeCloseTo(right / count, 12);
        expect(score.loss).toBeCloseTo(normalizer - (logit * right) / count, 5);
      }
      expect(evaluation.mostFrequent.count).toBe(count);
    }
    dispose(heads);
  });

  it("is the objective's own loss, and without the partner that of the part alone", async () => {
    const evaluation = await evaluate();
    expect(Object.keys(evaluation)).toEqual(['text', 'image', 'pairText', 'pairImage']);
    const mean = { pairText: [0, 0], pairImage: [0, 0], words: [0, 0], patches: [0, 0] };
    for (let index = 0; index < BATCHES; index++) {
      const { pair } = await source(index);
      const { image, imageMask, textIds, paddingMask } = pair!.inputs;
      const add = (of: number[], term: { sum: Tensor; count: number } | undefined) => {
        of[0]! += term!.sum.dataSync()[0]!;
        of[1]! += term!.count;
      };
      tidy(() => {
        const losses = (stream: MaskedStream) =>
          maskedLosses(maskedLogits(parameters, config, stream), stream);
        const both = losses(pair!);
        add(mean.pairText, both.words);
        add(mean.pairImage, both.patches);
        add(mean.words, losses({ inputs: { textIds, paddingMask }, words: pair!.words }).words);
        add(mean.patches, losses({ inputs: { image, imageMask }, patches: pair!.patches }).patches);
      });
    }
    const close = (score: { loss: number } | undefined, [sum, count]: number[]) =>
      expect(score!.loss).toBeCloseTo(sum! / count!, 4);
    close(evaluation.pairText!.model, mean.pairText);
    close(evaluation.pairImage!.model, mean.pairImage);
    close(evaluation.pairText!.withoutPartner, mean.words);
    close(evaluation.pairImage!.withoutPartner, mean.patches);
    expect(evaluation.text!.withoutPartner).toBeUndefined();
    expect(evaluation.image!.withoutPartner).toBeUndefined();
  });

  it('runs one function, on as many kinds of inputs as there are passes', async () => {
    const functions = new Set<Traceable>();
    const kinds: string[] = [];
    const eager = eagerExecutor(parameters);
    const executor: Executor = {
      ...eager,
      run: (f, inputs) => {
        functions.add(f);
        kinds.push(
          JSON.stringify(Object.entries(inputs).map(([name, { shape }]) => [name, shape])),
        );
        return eager.run(f, inputs);
      },
    };
    const frequencies = await labelFrequencies(source, 3);
    for (const _ of [1, 2]) {
      await evaluatePretraining(executor, config, source, BATCHES, frequencies);
    }
    expect(functions.size).toBe(1);
    expect(kinds).toHaveLength(2 * BATCHES * 5);
    // Text, pair, the pair's words alone, and images, the pair's alone among them.
    expect(new Set(kinds).size).toBe(4);
  });

  it('refuses patches of another grid than that of the model', async () => {
    const patches = zeros([1, 2, 3 * config.patchSize ** 2]) as Tensor3D;
    const positions = tensor1d([0], 'int32');
    const slots = { positions, labels: positions.clone(), weights: tensor1d([1]), count: 1 };
    const image = { inputs: { image: { patches, grid: [1, 2] as const } }, patches: slots };
    const other = async () => ({ size: 1, image });
    const evaluation = evaluatePretraining(eagerExecutor(parameters), config, other, 1, {});
    await expect(evaluation).rejects.toMatchObject({ code: 'config/image-grid' });
    expect(patches.isDisposed).toBe(true);
  });

  it('drops no paths, though training does', async () => {
    const dropping = modelConfig({ ...config, dropPathRate: 0.9 });
    const from = pretrainBatches(toyBatchOptions({ config: dropping, seed: 7 }));
    expect(await evaluate(parameters, from, dropping)).toEqual(await evaluate());
  });

  it('has only the parts of the batches, and leaves nothing behind', async () => {
    const mix = { text: 0, image: 2, pair: 0 };
    const images = pretrainBatches(toyBatchOptions({ config, mix }));
    await withoutLeaks(async () => {
      expect(Object.keys(await evaluate(parameters, images))).toEqual(['image']);
    });
  });

  it('refuses parts without frequencies, and leaves nothing behind', async () => {
    await withoutLeaks(() =>
      expect(
        evaluatePretraining(eagerExecutor(parameters), config, source, 1, {}),
      ).rejects.toMatchObject({
        code: 'config/no-frequencies',
      }),
    );
  });
});
