import '@tensorflow/tfjs-backend-cpu';
import { type ModelConfig, valueAndGradients } from '@imglish/core';
import { relativeNormDifference } from '@imglish/testing';
import { addN, dispose, type Scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomParameters } from '../../test/parameters.js';
import { toyBatchOptions, toyConfig, VARIANTS } from '../../test/toy.js';
import { disposeBatch } from '../batches/dispose-batch.js';
import { type PretrainBatch, pretrainBatches } from '../batches/pretrain-batches.js';
import { pretrainLoss, slotsOf } from './pretrain-loss.js';

let batch: PretrainBatch;
let dropping: PretrainBatch;
beforeAll(async () => {
  batch = await pretrainBatches(toyBatchOptions())(0);
  const config = toyConfig({ dropPathRate: 0.5 });
  dropping = await pretrainBatches(toyBatchOptions({ config }))(0);
});
afterAll(() => [batch, dropping].forEach(disposeBatch));

/** Gradients of the sum of all terms; the caller owns them. */
function gradientsOf(
  config: ModelConfig,
  parameters: Record<string, Tensor>,
  given: PretrainBatch,
  recompute = false,
) {
  const loss = pretrainLoss(config, { recompute });
  const result = valueAndGradients((current) => {
    const terms = loss(current, given, { step: 0, index: 0 });
    return { loss: addN(Object.values(terms).map(({ sum }) => sum)) as Scalar };
  }, parameters);
  const value = result.loss.dataSync()[0]!;
  result.loss.dispose();
  return { value, gradients: result.gradients };
}

/** Names that belong to the vision expert, the language expert, and the fusion expert. */
const VISION = /\.A\.|vision_embed|mim_head/;
const LANGUAGE = /\.B\.|text_embed|mlm_head/;
const FUSION = /\.VL\./;
/** Feed-forward experts of the top layer, which the fusion expert replaces in a fused pass. */
const REPLACED = /layers\.1\.ffn\.[AB]\./;

describe.each(VARIANTS)('which experts learn, %s:', (variant, changes) => {
  const config = toyConfig(changes);
  let parameters: Record<string, Tensor>;
  beforeAll(() => {
    parameters = randomParameters(config);
  });
  afterAll(() => dispose(parameters));

  const learns: Record<'text' | 'image' | 'pair', (name: string) => boolean> = {
    text: (name) => !VISION.test(name) && !FUSION.test(name),
    image: (name) => !LANGUAGE.test(name) && !FUSION.test(name),
    pair: (name) => !(variant === 'paper' && REPLACED.test(name)),
  };

  it.each(['text', 'image', 'pair'] as const)('those of the %s stream, and no others', (stream) => {
    const { gradients } = gradientsOf(config, parameters, { size: 1, [stream]: batch[stream]! });
    const names = Object.keys(parameters);
    const learning = names.filter(learns[stream]);
    expect(Object.keys(gradients).sort()).toEqual(learning.sort());
    expect(learning.length).toBeLessThan(names.length + (stream === 'pair' ? 1 : 0));
    for (const name of learning) {
      // Adding a constant to all keys of a query changes no attention weight.
      if (name.includes('k_proj') && name.endsWith('.bias')) continue;
      const moved = gradients[name]!.dataSync().some((g) => g !== 0);
      expect(moved, name).toBe(true);
    }
    dispose(gradients);
  });

  it('has the fusion expert in the top layer where the paper has one', () => {
    const fusion = Object.keys(parameters).filter((name) => FUSION.test(name));
    expect(fusion.length > 0).toBe(variant === 'paper');
    expect(fusion.every((name) => name.startsWith('beit3.encoder.layers.1.ffn.VL.'))).toBe(true);
  });

  it('recomputing activations changes no gradient', () => {
    const plain = gradientsOf(config, parameters, dropping);
    const again = gradientsOf(config, parameters, dropping, true);
    expect(again.value).toBe(plain.value);
    expect(Object.keys(again.gradients).sort()).toEqual(Object.keys(plain.gradients).sort());
    for (const [name, gradient] of Object.entries(plain.gradients)) {
      expect(relativeNormDifference(again.gradients[name]!, gradient, 1e-3), name).toBeLessThan(
        1e-5,
      );
    }
    dispose([plain.gradients, again.gradients]);
  });
});

describe('the terms', () => {
  const config = toyConfig();

  it('are one for each part, counted by its masked positions', () => {
    const parameters = randomParameters(config);
    tidy(() => {
      const terms = pretrainLoss(config)(parameters, batch, { step: 0, index: 0 });
      expect(Object.keys(terms)).toEqual(['text', 'image', 'pairText', 'pairImage']);
      const slots = slotsOf(batch);
      for (const [part, { sum, count }] of Object.entries(terms)) {
        const { weights, count: masked } = slots[part as keyof typeof slots]!;
        expect(count).toBe(masked);
        expect(Array.from(weights.dataSync()).filter((w) => w === 1).length).toBe(count);
        expect(sum.shape).toEqual([]);
      }
    });
    dispose(parameters);
  });

  it('change with the drop paths of the batch', () => {
    const parameters = randomParameters(config);
    const { value } = gradientsOf(config, parameters, batch);
    expect(gradientsOf(config, parameters, dropping).value).not.toBe(value);
    dispose(parameters);
  });
});
