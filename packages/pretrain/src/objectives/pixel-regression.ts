import {
  type Beit3Inputs,
  beit3,
  draw,
  linearSpecs,
  namedLinear,
  ops,
  patchGrid,
} from '@imglish/core';
import { patchify } from '@imglish/tokenizers';
import {
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { dropPathOf } from '../batches/drop-path.js';
import { inOrder, numbersOf, type Samples } from '../batches/samples.js';
import { imageInput, maskTensor } from '../batches/stream-tensors.js';
import { blockMask, maskedPatchCount } from '../masking/block-mask.js';
import type { Objective, ObjectiveData } from './objective.js';

export interface PixelRegressionInputs {
  inputs: Beit3Inputs;
  /** Masked patches: row-major indices into `[B, P]`, `[M]` int32. */
  positions: Tensor1D;
  /** Their pixels, per-patch normalised `[M, 3 p p]`. */
  targets: Tensor2D;
  /** M. */
  count: number;
  dropPath?: Tensor3D | undefined;
}

/**
 * Pixel regression (MAE, arXiv 2111.06377): the pixels of masked patches, each patch normalised by its
 * own mean and deviation, from the visible ones. The loss is the mean square error of a patch's 3 p p
 * values, on masked patches only. What is masked is what masked data modelling masks of an image alone;
 * mask tokens go through the encoder, as with BEiT, and `pixel_head` is linear: no decoder.
 */
export const pixelRegression: Objective<PixelRegressionInputs> = {
  name: 'pixel-regression',
  streams: ['image'],
  parts: ['pixels'],
  needs: [],
  predictsCodes: false,
  headSpecs: ({ dim, patchSize }) => linearSpecs('pixel_head', dim, 3 * patchSize ** 2),
  reader,
  counts: ({ count }) => ({ pixels: count }),
  losses(parameters, config, { inputs, positions, targets, count, dropPath }, encoder) {
    const { image } = beit3(parameters, config, inputs, { ...encoder, dropPath });
    const withoutCls = ops.slice(image!, [0, 1, 0], [-1, -1, -1]); // [B, P, D]
    const rows = ops.gatherRows(ops.reshape(withoutCls, [-1, config.dim]) as Tensor2D, positions);
    const pixels = namedLinear(rows, parameters, 'pixel_head'); // [M, 3 p p]
    const squares = ops.sum(ops.square(ops.sub(pixels, targets)));
    return { pixels: { sum: ops.div(squares, targets.shape[1]), count } };
  },
};

/** Keeps flat patches, whose deviation is 0, from being divided by it; MAE's. */
const EPSILON = 1e-6;

/** (x − mean) / √(variance + ε) of the values of one patch; variance with n − 1, as MAE has it. */
export function normalizedPatch(values: Float32Array): Float32Array {
  const n = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  return values.map((x) => (x - mean) / Math.sqrt(variance + EPSILON));
}

function reader({ config, mix, seed, ratios }: ObjectiveData) {
  const grid = patchGrid(config);
  const each = maskedPatchCount(grid, ratios.image);
  const patchCount = grid[0] * grid[1];
  const width = 3 * config.patchSize ** 2;
  return async (index: number, samples: Samples): Promise<PixelRegressionInputs> => {
    const numbers = numbersOf(index, mix.image);
    const read = await inOrder(numbers, async (number) => ({
      patches: patchify(await samples.image(number), config.patchSize).data,
      mask: blockMask(grid, each, draw(seed, 'mask of image', number)),
    }));
    const count = read.length * each;
    const positions = new Int32Array(count);
    const targets = new Float32Array(count * width);
    let slot = 0;
    read.forEach(({ patches, mask }, sample) => {
      mask.forEach((masked, patch) => {
        if (masked === 0) return;
        positions[slot] = sample * patchCount + patch;
        const values = patches.subarray(patch * width, (patch + 1) * width);
        targets.set(normalizedPatch(values), slot * width);
        slot++;
      });
    });
    return {
      inputs: {
        image: imageInput(
          config,
          read.map(({ patches }) => patches),
        ),
        imageMask: maskTensor(read.map(({ mask }) => mask)),
      },
      positions: tensor1d(positions, 'int32'),
      targets: tensor2d(targets, [count, width]),
      count,
      dropPath: dropPathOf(config, seed, 'pixel regression', numbers),
    };
  };
}
