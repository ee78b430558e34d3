import { preset } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { encoderProducts, operations, trainingProducts } from './products.js';

const base = preset('base');
const image = { batch: 1, image: true, text: 0 };

describe('encoderProducts', () => {
  it('counts the known 17.6 billion multiplications of ViT-B/16 without its classifier', () => {
    expect(operations(encoderProducts(base, image)) / 2e9).toBeCloseTo(17.56, 1);
  });

  it('counts 12 layers', () => {
    const counts = encoderProducts(base, image).map(({ m, k, n, count }) => [m, k, n, count]);
    // Patches are as wide as the model here, but one fewer than tokens.
    expect(counts).toEqual([
      [196, 768, 768, 1],
      [197, 768, 768, 48],
      [197, 768, 3072, 12],
      [197, 3072, 768, 12],
      [197, 64, 197, 12],
      [197, 197, 64, 12],
    ]);
  });

  it('gives image and words experts of their own, and attention all tokens', () => {
    const products = encoderProducts(base, { batch: 8, image: true, text: 64 });
    const rows = new Set(products.filter(({ constant }) => constant).map(({ m }) => m));
    expect([...rows]).toEqual([8 * 196, 8 * 197, 8 * 64]);
    expect(products.filter(({ batch }) => batch === 96).map(({ m }) => m)).toEqual([261, 261]);
  });
});

describe('trainingProducts', () => {
  const heads = [{ slots: 10, classes: 100 }];

  it('has two products in the gradient for each one, but for that of the pixels', () => {
    const forward = operations(encoderProducts(base, image));
    const head = 2 * 10 * 768 * 100;
    const patchEmbedding = 2 * 196 * 768 * 768;
    const step = operations(trainingProducts(base, image, heads));
    expect(step).toBe(3 * (forward + head) - patchEmbedding);
  });

  it('knows no weight beforehand', () => {
    expect(trainingProducts(base, image, heads).some(({ constant }) => constant)).toBe(false);
  });
});
