import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { retrievalRecall } from './retrieval-recall.js';

const unit = (i: number, size = 12) =>
  Float32Array.from({ length: size }, (_, j) => (i === j ? 1 : 0));

describe('retrievalRecall', () => {
  it('finds all where images and texts agree', () => {
    const rows = Array.from({ length: 12 }, (_, i) => ({
      imageId: i,
      image: unit(i),
      text: unit(i),
    }));
    const all = { r1: 1, r5: 1, r10: 1 };
    expect(retrievalRecall(rows)).toEqual({ averageScore: 1, imageToText: all, textToImage: all });
  });

  it('counts an image once, by its first vector, and any of its texts', () => {
    const rows = [
      { imageId: 'b', image: unit(0), text: unit(5) },
      { imageId: 'b', image: unit(3), text: unit(0) },
      { imageId: 'a', image: unit(1), text: unit(1) },
    ];
    const { imageToText, textToImage } = retrievalRecall(rows);
    expect(imageToText.r1).toBe(1);
    // The text at 5 is as far from both images; the one of the smaller id comes first.
    expect(textToImage.r1).toBeCloseTo(2 / 3, 12);
    expect(textToImage.r5).toBe(1);
  });

  it('does not find by chance more than chance allows', () => {
    const rows = Array.from({ length: 400 }, (_, i) => {
      const random = draw(3, 'vectors', i);
      const vector = () => Float32Array.from({ length: 16 }, () => random.normal());
      return { imageId: i, image: vector(), text: vector() };
    });
    const { imageToText, textToImage } = retrievalRecall(rows);
    expect(imageToText.r10).toBeLessThan(0.06);
    expect(textToImage.r10).toBeLessThan(0.06);
    expect(imageToText.r10).toBeGreaterThan(0.005);
  });

  it('refuses vectors of two lengths, and none', () => {
    const row = { imageId: 1, image: unit(0), text: unit(0, 3) };
    expect(() => retrievalRecall([row])).toThrow(
      expect.objectContaining({ code: 'shape/embedding' }),
    );
    expect(() => retrievalRecall([])).toThrow(
      expect.objectContaining({ code: 'data/metric-length' }),
    );
  });
});
