import '@tensorflow/tfjs-backend-cpu';
import { beit3, valueAndGradients } from '@imglish/core';
import { expectAllClose, withoutLeaks } from '@imglish/testing';
import {
  dispose,
  slice,
  type Tensor,
  tensor1d,
  tensor2d,
  tensor3d,
  tidy,
} from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomParameters } from '../../test/parameters.js';
import { PATCHES, toyBatchOptions, toyConfig, VARIANTS } from '../../test/toy.js';
import { disposeBatch } from '../batches/dispose-batch.js';
import { type PretrainBatch, pretrainBatches } from '../batches/pretrain-batches.js';
import {
  type MaskedSlots,
  type MaskedStream,
  maskedLogits,
  maskedLosses,
} from './masked-data-modelling.js';

const config = toyConfig();
let parameters: Record<string, Tensor>;
let batch: PretrainBatch;
beforeAll(async () => {
  parameters = randomParameters(config);
  batch = await pretrainBatches(toyBatchOptions({ config }))(0);
});
afterAll(() => {
  dispose(parameters);
  disposeBatch(batch);
});

type Kind = 'words' | 'patches';
const HEADS = { words: 'mlm_head', patches: 'mim_head' } as const;

/** The loss of one kind, with its gradients by name. */
function lossOf(stream: MaskedStream, kind: Kind, given = config, weights = parameters) {
  const { loss, gradients } = valueAndGradients((current) => {
    const terms = maskedLosses(maskedLogits(current, given, stream), stream);
    return { loss: terms[kind]!.sum };
  }, weights);
  const result = {
    loss: loss.dataSync()[0]!,
    gradients: Object.fromEntries(
      Object.entries(gradients).map(([name, gradient]) => [name, Array.from(gradient.dataSync())]),
    ),
  };
  dispose([loss, gradients]);
  return result;
}

/** Softmax of `x · Wᵀ + b` at every position of the batch, in float64. */
function probabilities(stream: MaskedStream, kind: Kind, given = config, weights = parameters) {
  const { hidden, weight, bias } = tidy(() => {
    const { text, image } = beit3(weights, given, stream.inputs);
    return {
      hidden: (kind === 'words' ? text! : slice(image!, [0, 1, 0])).arraySync() as number[][][],
      weight: weights[`${HEADS[kind]}.weight`]!.arraySync() as number[][],
      bias: Array.from(weights[`${HEADS[kind]}.bias`]!.dataSync()),
    };
  });
  return hidden.flat().map((x) => {
    const logits = weight.map((row, j) => row.reduce((sum, w, i) => sum + w * x[i]!, bias[j]!));
    const top = Math.max(...logits);
    const total = logits.reduce((sum, z) => sum + Math.exp(z - top), 0);
    return logits.map((z) => Math.exp(z - top) / total);
  });
}

function real({ positions, labels, weights }: MaskedSlots) {
  const [at, label, weight] = [positions, labels, weights].map((t) => Array.from(t.dataSync()));
  return at!
    .map((position, i) => ({ position, label: label![i]!, weight: weight![i]! }))
    .filter((slot) => slot.weight !== 0);
}

const parts: [string, 'text' | 'image' | 'pair', Kind][] = [
  ['words of texts', 'text', 'words'],
  ['patches of images', 'image', 'patches'],
  ['words of pairs', 'pair', 'words'],
  ['patches of pairs', 'pair', 'patches'],
];

describe.each(VARIANTS)('the loss, %s', (_, changes) => {
  it.each(parts)(
    'over %s is −log p(label) of the masked positions, and of no others',
    (_, stream, kind) => {
      const given = toyConfig(changes);
      const weights = randomParameters(given);
      const masked = batch[stream]!;
      const p = probabilities(masked, kind, given, weights);
      const slots = real(masked[kind]!);
      expect(slots.length).toBe(masked[kind]!.count);
      expect(slots.length).toBeGreaterThan(0);
      expect(slots.length).toBeLessThan(p.length);
      const expected = slots.reduce(
        (sum, { position, label }) => sum - Math.log(p[position]![label]!),
        0,
      );
      const { loss, gradients } = lossOf(masked, kind, given, weights);
      expect(Math.abs(loss - expected)).toBeLessThan(1e-5 * Math.max(1, expected));
      // ∂loss/∂bias = Σ over the masked positions of p − onehot(label): nothing comes from elsewhere.
      const bias = p[0]!.map((_, j) =>
        slots.reduce(
          (sum, { position, label }) => sum + p[position]![j]! - (label === j ? 1 : 0),
          0,
        ),
      );
      expectAllClose(gradients[`${HEADS[kind]}.bias`]!, bias, { absolute: 1e-4 });
      dispose(weights);
    },
  );
});

describe('nothing else matters:', () => {
  it('what empty slots point at', () => {
    const { words, inputs } = batch.text!;
    const before = lossOf(batch.text!, 'words');
    const weights = Array.from(words.weights.dataSync());
    expect(weights).toContain(0);
    const elsewhere = (tensor: Tensor, other: number) =>
      tensor1d(
        Array.from(tensor.dataSync(), (value, i) => (weights[i] === 1 ? value : other)),
        'int32',
      );
    const changed = {
      ...words,
      positions: elsewhere(words.positions, 5),
      labels: elsewhere(words.labels, 7),
    };
    expect(lossOf({ inputs, words: changed }, 'words')).toEqual(before);
    dispose([changed.positions, changed.labels]);
  });

  it.each(['image', 'pair'] as const)('what is under the masks of the %s', (stream) => {
    const masked = batch[stream]!;
    const before = lossOf(masked, 'patches');
    const { image, imageMask } = masked.inputs;
    if (!image || !('patches' in image)) throw new Error('patches expected');
    const mask = imageMask!.dataSync();
    const [, , size] = image.patches.shape;
    const replaced = (when: number) =>
      tensor3d(
        Array.from(image.patches.dataSync(), (value, i) =>
          mask[Math.floor(i / size)] === when ? 0.123 : value,
        ),
        image.patches.shape,
      );
    const withPatches = (patches: ReturnType<typeof replaced>) =>
      lossOf({ ...masked, inputs: { ...masked.inputs, image: { ...image, patches } } }, 'patches');
    const [hidden, visible] = [replaced(1), replaced(0)];
    expect(withPatches(hidden)).toEqual(before);
    expect(withPatches(visible).loss).not.toBe(before.loss);
    dispose([hidden, visible]);
  });

  it.each(['text', 'pair'] as const)('what stands at the padding of the %s', (stream) => {
    const masked = batch[stream]!;
    const { textIds, paddingMask } = masked.inputs;
    const padding = paddingMask!.dataSync();
    expect(Array.from(padding)).toContain(1);
    const ids = tensor2d(
      Array.from(textIds!.dataSync(), (id, i) => (padding[i] === 1 ? 9 : id)),
      textIds!.shape,
      'int32',
    );
    const changed = { ...masked, inputs: { ...masked.inputs, textIds: ids } };
    expect(lossOf(changed, 'words').loss).toBe(lossOf(masked, 'words').loss);
    ids.dispose();
  });

  it('logits of empty slots get a zero gradient, those of others p − onehot', () => {
    const logits = tensor2d([
      [1, 2, 3],
      [0, 0, 0],
      [5, 5, 5],
    ]);
    const slots: MaskedSlots = {
      positions: tensor1d([0, 1, 2], 'int32'),
      labels: tensor1d([2, 0, 1], 'int32'),
      weights: tensor1d([1, 1, 0]),
      count: 2,
    };
    const { loss, gradients } = valueAndGradients(
      ({ z }) => ({
        loss: maskedLosses({ words: z as typeof logits }, { words: slots }).words!.sum,
      }),
      { z: logits },
    );
    const e = [1, 2, 3].map(Math.exp);
    const total = e.reduce((a, b) => a + b);
    expectAllClose(loss, [-Math.log(e[2]! / total) + Math.log(3)]);
    const third = 1 / 3;
    expectAllClose(Array.from(gradients.z!.dataSync()), [
      ...[e[0]! / total, e[1]! / total, e[2]! / total - 1],
      ...[third - 1, third, third],
      ...[0, 0, 0],
    ]);
    const ofEmpty = gradients.z!.dataSync().slice(6);
    expect(ofEmpty.every((g) => g === 0)).toBe(true);
    dispose([logits, loss, gradients, slots.positions, slots.labels, slots.weights]);
  });
});

describe('maskedLogits', () => {
  it('has one row for each slot, and leaves nothing behind', () => {
    withoutLeaks(() => {
      const logits = tidy(() => maskedLogits(parameters, config, batch.pair!));
      expect(logits.words!.shape).toEqual([2 * 6, config.vocabularySize]);
      expect(logits.patches!.shape).toEqual([2 * Math.round(0.4 * PATCHES), 5]);
      dispose(logits);
    });
  });

  it('refuses masked words without a text, and masked patches without an image', () => {
    const { words, inputs: text } = batch.text!;
    const { patches, inputs: image } = batch.image!;
    const code = expect.objectContaining({ code: 'config/masked-stream' });
    for (const stream of [
      { inputs: image, words },
      { inputs: text, patches },
    ]) {
      withoutLeaks(() => {
        expect(() => tidy(() => maskedLogits(parameters, config, stream))).toThrow(code);
      });
    }
  });
});
