import { type ModelConfig, patchGrid } from '@imglish/core';
import { tensor1d, tensor2d, tensor3d } from '@tensorflow/tfjs-core';
import { maskedPatchCount } from '../masking/block-mask.js';
import type { MaskedSlots, MaskedStream } from '../objectives/masked-data-modelling.js';
import type { HostSlots, MaskedTextSample } from './masked-example.js';

/** An image with patches masked, on the host. */
export interface MaskedImageSample {
  /** `[P, 3 p p]`. */
  patches: Float32Array;
  /** 1 = masked `[P]`. */
  mask: Uint8Array;
  slots: HostSlots;
}

/** Masked texts as tensors, `slotsEach` slots for every one. */
export function textTensors(
  samples: readonly MaskedTextSample[],
  slotsEach: number,
): Pick<MaskedStream, 'inputs'> & { words: MaskedSlots } {
  const length = samples[0]!.ids.length;
  const shape: [number, number] = [samples.length, length];
  const ids = samples.map((sample) => sample.ids);
  const padding = samples.map(({ paddingMask }) => paddingMask);
  return {
    inputs: {
      textIds: tensor2d(joined(ids, Int32Array), shape, 'int32'),
      paddingMask: tensor2d(joined(padding, Float32Array), shape),
    },
    words: slotTensors(samples, length, slotsEach),
  };
}

/** Masked images as tensors; every one has the same number of slots. */
export function imageTensors(
  config: ModelConfig,
  samples: readonly MaskedImageSample[],
  ratio: number,
): Pick<MaskedStream, 'inputs'> & { patches: MaskedSlots } {
  const grid = patchGrid(config);
  const count = grid[0] * grid[1];
  const patches = samples.map((sample) => sample.patches);
  const masks = samples.map(({ mask }) => mask);
  const patchShape: [number, number, number] = [samples.length, count, 3 * config.patchSize ** 2];
  return {
    inputs: {
      image: { patches: tensor3d(joined(patches, Float32Array), patchShape), grid },
      imageMask: tensor2d(joined(masks, Float32Array), [samples.length, count]),
    },
    patches: slotTensors(samples, count, maskedPatchCount(grid, ratio)),
  };
}

/** Positions within samples of `length` as positions within the batch; slots left over weigh 0. */
function slotTensors(
  samples: readonly { slots: HostSlots }[],
  length: number,
  slotsEach: number,
): MaskedSlots {
  const total = samples.length * slotsEach;
  const positions = new Int32Array(total);
  const labels = new Int32Array(total);
  const weights = new Float32Array(total);
  let count = 0;
  samples.forEach(({ slots }, sample) => {
    slots.positions.forEach((position, i) => {
      const slot = sample * slotsEach + i;
      positions[slot] = sample * length + position;
      labels[slot] = slots.labels[i]!;
      weights[slot] = 1;
      count++;
    });
  });
  return {
    positions: tensor1d(positions, 'int32'),
    labels: tensor1d(labels, 'int32'),
    weights: tensor1d(weights),
    count,
  };
}

function joined<T extends Float32Array | Int32Array>(
  rows: readonly ArrayLike<number>[],
  make: new (length: number) => T,
): T {
  const width = rows[0]!.length;
  const all = new make(rows.length * width);
  rows.forEach((row, i) => {
    all.set(row, i * width);
  });
  return all;
}
