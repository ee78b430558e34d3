import { describe, expect, it } from 'vitest';
import { PAPER_RECIPE, pretrainRecipe } from './recipe.js';

describe('pretrainRecipe', () => {
  it("is the paper's unless changed", () => {
    expect(pretrainRecipe()).toEqual(PAPER_RECIPE);
    expect(PAPER_RECIPE).toMatchObject({
      ratios: { text: 0.15, image: 0.4, pairText: 0.5 },
      mix: { text: 2048, image: 2048, pair: 2048 },
      ...{ steps: 1_000_000, warmupSteps: 10_000, lr: 1e-3, weightDecay: 0.05 },
      ...{ beta1: 0.9, beta2: 0.98, epsilon: 1e-6 },
    });
    expect(pretrainRecipe({ steps: 20_000, lr: 2e-3 })).toEqual({
      ...PAPER_RECIPE,
      steps: 20_000,
      lr: 2e-3,
    });
    expect(JSON.parse(JSON.stringify(PAPER_RECIPE))).toEqual(PAPER_RECIPE);
  });

  it.each([
    [{ warmUpSteps: 3 }, '"warmUpSteps" (nearest: "warmupSteps")'],
    [{ mix: { text: 1, image: 1, pairs: 1 } }, '"pairs" (nearest: "pair")'],
    [{ ratios: { text: 0.1, images: 0.4, pairText: 0.5 } }, '"images" (nearest: "image")'],
    [{ weights: { text: 1, image: 1, pairtext: 1, pairImage: 1 } }, '(nearest: "pairText")'],
    [{ weights: { pixels: 1 } }, '"pixels"'],
    [{ objectives: { 'image-text-contrast': 1 } }, '(nearest: "image-text-contrastive")'],
  ])('names the key nearest to an unknown one: %j', (changes, named) => {
    const expected = { code: 'config/unknown-key', got: expect.stringContaining(named) };
    expect(() => pretrainRecipe(changes as never)).toThrow(expect.objectContaining(expected));
  });

  it.each([
    [{ steps: 0 }],
    [{ steps: 1.5 }],
    [{ seed: -1 }],
    [{ accumulate: 0 }],
    [{ maxTextLength: 2 }],
    [{ maxCaptionLength: Number.NaN }],
    [{ steps: 10, warmupSteps: 11 }],
    [{ lr: -1 }],
    [{ lr: '0.001' }],
    [{ lr: undefined }],
    [{ minLr: Number.POSITIVE_INFINITY }],
    [{ weightDecay: Number.NaN }],
    [{ epsilon: null }],
    [{ beta1: 1 }],
    [{ beta2: -0.1 }],
    [{ layerDecay: 0 }],
    [{ layerDecay: 1.1 }],
    [{ maxGradientNorm: 0 }],
    [{ ema: 1 }],
    [{ recompute: 1 }],
    [{ initialization: 'random' }],
    [{ mix: { text: 1, image: 1 } }],
    [{ mix: { text: 1, image: 1, pair: -1 } }],
    [{ mix: null }],
    [{ ratios: { text: 0.1, image: 0.4 } }],
    [{ ratios: { text: 0, image: 0.4, pairText: 0.5 } }],
    [{ ratios: { text: 0.1, image: 1, pairText: 0.5 } }],
    [{ objectives: {} }],
    [{ objectives: { 'masked-data-modelling': 0 } }],
    [{ objectives: { 'masked-data-modelling': '1' } }],
    [{ weights: { text: '1' } }],
    [{ weights: { text: 1, image: 1, pairText: 1, pairImage: -1 } }],
  ])('refuses %o', (changes) => {
    const [key] = Object.keys(changes).slice(-1) as [string];
    const refused = () => pretrainRecipe(changes as never);
    expect(refused).toThrow(expect.objectContaining({ code: 'config/invalid-value' }));
    expect(refused).toThrow(new RegExp(`${key}|JSON object`));
  });

  const CONTRAST = 'image-text-contrastive';

  it('mixes objectives, and leaves out streams that none of them reads', () => {
    const { mix, objectives } = pretrainRecipe({ objectives: { [CONTRAST]: 1 } });
    expect({ mix, objectives }).toEqual({
      mix: { text: 0, image: 0, pair: 2048 },
      objectives: { [CONTRAST]: 1 },
    });
    const both = { 'pixel-regression': 1, 'language-modelling': 0 };
    expect(pretrainRecipe({ objectives: both }).mix).toEqual(PAPER_RECIPE.mix);
    const own = pretrainRecipe({ objectives: both, weights: { pixels: 2 } });
    expect(own.weights).toEqual({ pixels: 2 });
  });

  it.each([
    ['matching without contrast', { objectives: { 'image-text-matching': 1 } }, CONTRAST],
    [
      'contrast without pairs',
      { objectives: { [CONTRAST]: 1 }, mix: { text: 0, image: 0, pair: 0 } },
      'samples of pair',
    ],
    [
      'pixels of texts',
      { objectives: { 'pixel-regression': 1 }, mix: { text: 4, image: 0, pair: 0 } },
      'samples of image',
    ],
    [
      'texts that nobody reads',
      { objectives: { [CONTRAST]: 1 }, mix: { text: 4, image: 0, pair: 4 } },
      'no text in the mix',
    ],
  ])('refuses %s', (_, changes, expected) => {
    const details = { code: 'config/objectives', expected: expect.stringContaining(expected) };
    expect(() => pretrainRecipe(changes)).toThrow(expect.objectContaining(details));
  });
});
