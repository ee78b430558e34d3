import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import {
  dispose,
  ones,
  type Scalar,
  square,
  sum,
  type Tensor3D,
  type Tensor4D,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { valuesOf } from '../../test/numbers.js';
import { pixelsOf, smallModel, textOf } from '../../test/small-model.js';
import { valueAndGradients } from '../autodiff/autodiff.js';
import { slice, transpose } from '../ops/index.js';
import { type Beit3Inputs, beit3 } from './beit3.js';
import type { EncoderOptions } from './encoder.js';

const { config, parameters } = smallModel();
const _PATCHES = 6;
const pixels = pixelsOf(config, 2);
const textIds = textOf(config, 2, 5);

const rows = (x: Tensor3D, from: number, count: number) =>
  valuesOf(slice(x, [0, from, 0], [-1, count, -1]));

describe('images of any grid', () => {
  it.each([[[4, 6]], [[6, 4]], [[2, 2]], [[8, 2]]] as [[number, number]][])(
    '%s pixels, and the same cut into patches',
    ([height, width]) => {
      const grid = [height / 2, width / 2] as const;
      const image = pixelsOf(config, 2, [height, width]);
      const values = valuesOf(image);
      const patches: number[] = [];
      for (let b = 0; b < 2; b++) {
        for (let y = 0; y < grid[0]; y++) {
          for (let x = 0; x < grid[1]; x++) {
            for (let c = 0; c < 3; c++) {
              for (const [i, j] of [
                [0, 0],
                [0, 1],
                [1, 0],
                [1, 1],
              ] as const) {
                patches.push(values[((b * 3 + c) * height + 2 * y + i) * width + 2 * x + j]!);
              }
            }
          }
        }
      }
      tidy(() => {
        const count = grid[0] * grid[1];
        const cut = tensor(patches, [2, count, 12]) as Tensor3D;
        const fromPixels = beit3(parameters, config, { image: { pixels: image } });
        const fromPatches = beit3(parameters, config, { image: { patches: cut, grid } });
        expect(fromPixels.image!.shape).toEqual([2, 1 + count, config.dim]);
        expect(valuesOf(fromPatches.image!)).toEqual(valuesOf(fromPixels.image!));
      });
    },
  );

  it('gives the position table a gradient through resizing', () => {
    const image = pixelsOf(config, 1, [6, 4]);
    const { gradients } = valueAndGradients(
      (p) => ({
        loss: sum(square(beit3(p, config, { image: { pixels: image } }).sequence)) as Scalar,
      }),
      parameters,
    );
    const table = valuesOf(gradients['beit3.encoder.embed_positions.A.weight']!);
    expect(table.slice(0, 16)).toEqual(Array(16).fill(0)); // the two rows never read
    expect(table.slice(16).every((x) => x !== 0)).toBe(true);
    dispose(gradients);
  });
});

describe('what beit3 returns', () => {
  it('image first, then text; hidden states from the input of layer 0 on', () => {
    tidy(() => {
      const output = beit3(
        parameters,
        config,
        { image: { pixels }, textIds },
        { hiddenStates: true },
      );
      expect(output.sequence.shape).toEqual([2, 12, 8]);
      expect(rows(output.sequence, 0, 7)).toEqual(valuesOf(output.image!));
      expect(rows(output.sequence, 7, 5)).toEqual(valuesOf(output.text!));
      expect(output.hiddenStates.map(({ shape }) => shape)).toEqual(Array(4).fill([2, 12, 8]));
      expect(output.embedding.shape).toEqual([2, 12, 8]);
    });
  });

  it('has no part for what was not given', () => {
    tidy(() => {
      const image = beit3(parameters, config, { image: { pixels } });
      const text = beit3(parameters, config, { textIds });
      expect([image.text, text.image]).toEqual([undefined, undefined]);
      expect(image.hiddenStates).toEqual([]);
    });
  });

  it('leaves a zero gradient, not none, for what a head does not use', () => {
    const { gradients } = valueAndGradients((p) => {
      const { image } = beit3(p, config, { image: { pixels }, textIds });
      return { loss: sum(square(image!)) as Scalar };
    }, parameters);
    const last = 'beit3.encoder.layers.2.ffn.B.fc2.weight';
    expect(new Set(valuesOf(gradients[last]!))).toEqual(new Set([0]));
    expect(gradients['beit3.vision_embed.mask_token']).toBeUndefined();
    dispose(gradients);
  });

  it('is all that is left', () => {
    withoutLeaks(() => {
      tidy(() => {
        beit3(parameters, config, { image: { pixels }, textIds });
      });
    });
  });
});

describe('beit3 refuses', () => {
  const image = { pixels };
  it.each<[string, string, Beit3Inputs, EncoderOptions?]>([
    ['no input', 'config/no-input', {}],
    ['a text longer than its positions', 'shape/too-long', { textIds: textOf(config, 2, 11) }],
    ['ids that are no batch', 'shape/text-ids', { textIds: tensor([1, 2], [2], 'int32') as never }],
    ['ids that are no integers', 'shape/text-ids', { textIds: ones([2, 5]) }],
    ['padding of another shape', 'shape/padding-mask', { textIds, paddingMask: ones([2, 4]) }],
    ['four channels', 'shape/pixels', { image: { pixels: ones([2, 4, 4, 6]) } }],
    ['half a patch', 'shape/pixels', { image: { pixels: ones([2, 3, 4, 5]) } }],
    ['one image that is no batch', 'shape/pixels', { image: { pixels: ones([3, 4, 6]) as never } }],
    [
      'patches that miss the grid',
      'shape/patches',
      { image: { patches: ones([2, 6, 12]), grid: [2, 2] } },
    ],
    [
      'patches of another size',
      'shape/patches',
      { image: { patches: ones([2, 6, 11]), grid: [2, 3] } },
    ],
    ['an image mask of another grid', 'shape/image-mask', { image, imageMask: ones([2, 7]) }],
    ['two images and one text', 'shape/segment', { image, textIds: textOf(config, 1, 5) }],
    [
      'an attention mask of another length',
      'shape/attention-mask',
      { image },
      { attentionMask: ones([5, 5]) },
    ],
    ['drop path for another batch', 'shape/drop-path', { image }, { dropPath: ones([3, 2, 1]) }],
    [
      'recompute to be looked at',
      'config/unsupported-option',
      { image },
      { recompute: true, probe: () => {} },
    ],
  ])('%s', (_, code, inputs, options) => {
    withoutLeaks(() => {
      expect(() => tidy(() => beit3(parameters, config, inputs, options).sequence)).toThrow(
        expect.objectContaining({ code }),
      );
    });
  });

  it('parameters that lack one', () => {
    const { 'beit3.encoder.layers.1.ffn.A.fc1.bias': _, ...rest } = parameters;
    expect(() => tidy(() => beit3(rest, config, { image }).sequence)).toThrow(
      /beit3\.encoder\.layers\.1\.ffn\.A\.fc1\.bias/,
    );
  });
});

it('transposed images differ: rows are not columns', () => {
  tidy(() => {
    const square = pixelsOf(config, 1, [4, 4]);
    const of = (pixels: Tensor4D) =>
      valuesOf(beit3(parameters, config, { image: { pixels } }).image!);
    expect(of(square)).not.toEqual(of(transpose(square, [0, 1, 3, 2]) as Tensor4D));
  });
});
