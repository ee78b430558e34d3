import '@tensorflow/tfjs-backend-cpu';
import {
  ones,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor,
  tensor2d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectClose, valuesOf } from '../../test/numbers.js';
import { pixelsOf, smallModel, textOf, VARIANTS } from '../../test/small-model.js';
import { slice } from '../ops/index.js';
import { beit3 } from './beit3.js';
import { unidirectionalMask } from './masks.js';

const { config, parameters } = smallModel();
const PATCHES = 6;
const pixels = pixelsOf(config, 2);
const textIds = textOf(config, 2, 5);

const rows = (x: Tensor3D, from: number, count: number) =>
  valuesOf(slice(x, [0, from, 0], [-1, count, -1]));

describe.each(VARIANTS)('padding, %s', (_, changes) => {
  const model = smallModel(changes);
  const short = slice(textIds, [0, 0], [-1, 3]) as Tensor2D;
  const paddingMask = tensor2d([0, 0, 0, 1, 1, 0, 0, 0, 1, 1], [2, 5]);

  it.each([false, true])('changes nothing for real tokens (image: %s)', (withImage) => {
    const image = withImage ? { pixels } : undefined;
    tidy(() => {
      const padded = beit3(model.parameters, model.config, { image, textIds, paddingMask });
      const plain = beit3(model.parameters, model.config, { image, textIds: short });
      expectClose(rows(padded.text!, 0, 3), plain.text!, 1e-6);
      if (withImage) expectClose(padded.image!, plain.image!, 1e-6);
    });
  });

  it('enters the layers as zeros, which are queries like others', () => {
    tidy(() => {
      const given = { textIds, paddingMask };
      const output = beit3(model.parameters, model.config, given, { hiddenStates: true });
      const first = valuesOf(slice(output.hiddenStates[0]!, [0, 3, 0], [1, 2, -1]));
      expect(new Set(first)).toEqual(new Set([0]));
      expect(rows(output.text!, 3, 2).some((x) => x !== 0)).toBe(true);
      // positions are left out of what the reference calls the embedding, padding is not
      const embedded = valuesOf(slice(output.embedding, [0, 3, 0], [1, 2, -1]));
      expect(embedded.some((x) => x !== 0)).toBe(true);
    });
  });

  it('may cover a whole text: everything then weighs alike, and stays finite', () => {
    tidy(() => {
      const { text } = beit3(model.parameters, model.config, {
        textIds,
        paddingMask: ones([2, 5]),
      });
      expect(valuesOf(text!).every(Number.isFinite)).toBe(true);
    });
  });
});

describe('the image mask', () => {
  const imageMask = tensor2d([0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0], [2, PATCHES]);

  /** Pixels of image 0 that lie in the masked patches 1, 4, 5 of a 2 × 3 grid are changed. */
  const changed = tensor(
    valuesOf(pixels).map((x, i) => {
      const [column, row, sample] = [i % 6, Math.floor(i / 6) % 4, Math.floor(i / 72)];
      const patch = Math.floor(row / 2) * 3 + Math.floor(column / 2);
      return sample === 0 && [1, 4, 5].includes(patch) ? x + 3 : x;
    }),
    [2, 3, 4, 6],
  ) as Tensor4D;

  it('hides the pixels of a patch', () => {
    tidy(() => {
      const of = (pixels: Tensor4D, mask?: Tensor2D) =>
        valuesOf(beit3(parameters, config, { image: { pixels }, imageMask: mask }).sequence);
      expect(of(changed)).not.toEqual(of(pixels));
      // of image 1 the changed pixels are not touched, patch 0 is masked
      expect(of(changed, imageMask)).toEqual(of(pixels, imageMask));
    });
  });

  it('puts the mask token in its place before positions', () => {
    tidy(() => {
      const { embedding } = beit3(parameters, config, { image: { pixels }, imageMask });
      const token = valuesOf(parameters['beit3.vision_embed.mask_token']!);
      for (const patch of [1, 4, 5]) {
        expect(valuesOf(slice(embedding, [0, 1 + patch, 0], [1, 1, -1]))).toEqual(token);
      }
      const cls = valuesOf(parameters['beit3.vision_embed.cls_token']!);
      expect(rows(embedding, 0, 1)).toEqual([...cls, ...cls]);
    });
  });
});

describe('the attention mask', () => {
  const total = 1 + PATCHES + 5;

  it('of generation: text rows hang on no later word, image rows on no word', () => {
    const hidden = tensor2d(unidirectionalMask(1 + PATCHES, 5), [total, total]);
    const other = tensor2d(
      valuesOf(textIds).map((id, i) => (i % 5 < 3 ? id : (id + 1) % config.vocabularySize)),
      [2, 5],
      'int32',
    );
    tidy(() => {
      const of = (ids: Tensor2D, attentionMask?: Tensor2D) =>
        beit3(parameters, config, { image: { pixels }, textIds: ids }, { attentionMask });
      const [a, b] = [of(textIds, hidden), of(other, hidden)];
      expect(valuesOf(a.image!)).toEqual(valuesOf(b.image!));
      expect(rows(a.text!, 0, 3)).toEqual(rows(b.text!, 0, 3));
      expect(rows(a.text!, 3, 2)).not.toEqual(rows(b.text!, 3, 2));
      const alone = beit3(parameters, config, { image: { pixels } });
      expectClose(a.image!, alone.image!, 1e-6);
      expect(rows(of(other).text!, 0, 3)).not.toEqual(rows(of(textIds).text!, 0, 3));
    });
  });

  it('hides besides padding, not in its place', () => {
    const paddingMask = tensor2d([0, 1, 0, 0, 1, 0, 0, 1, 0, 0], [2, 5]);
    const inputs = { image: { pixels }, textIds, paddingMask };
    tidy(() => {
      const padded = beit3(parameters, config, inputs).sequence;
      const both = (attentionMask: Tensor2D) =>
        valuesOf(beit3(parameters, config, inputs, { attentionMask }).sequence);
      expectClose(both(zeros([total, total])), padded, 1e-6);
      expect(both(tensor2d(unidirectionalMask(7, 5), [total, total]))).not.toEqual(
        valuesOf(padded),
      );
    });
  });

  it('is [N, N] of which 1 hides', () => {
    expect([...unidirectionalMask(2, 2)]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0]);
  });
});
