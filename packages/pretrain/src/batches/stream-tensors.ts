import { type ImageInput, type ModelConfig, patchGrid } from '@imglish/core';
import { type Tensor2D, tensor1d, tensor2d, tensor3d } from '@tensorflow/tfjs-core';
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
  return { inputs: textInputs(samples), words: slotTensors(samples, length, slotsEach) };
}

/** Texts of one length, padding included, as tensors `[B, T]`. */
export function textInputs(texts: readonly { ids: Int32Array; paddingMask: Int32Array }[]): {
  textIds: Tensor2D;
  paddingMask: Tensor2D;
} {
  const shape: [number, number] = [texts.length, texts[0]!.ids.length];
  const ids = texts.map((text) => text.ids);
  const padding = texts.map(({ paddingMask }) => paddingMask);
  return {
    textIds: tensor2d(joined(ids, Int32Array), shape, 'int32'),
    paddingMask: tensor2d(joined(padding, Float32Array), shape),
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
  return {
    inputs: {
      image: imageInput(config, patches),
      imageMask: maskTensor(samples.map(({ mask }) => mask)),
    },
    patches: slotTensors(samples, count, maskedPatchCount(grid, ratio)),
  };
}

/** Patches `[P, 3 p p]` of each image as the model reads them: `[B, P, 3 p p]`. */
export function imageInput(
  config: ModelConfig,
  patches: readonly Float32Array[],
): Extract<ImageInput, { patches: unknown }> {
  const grid = patchGrid(config);
  const shape: [number, number, number] = [
    patches.length,
    grid[0] * grid[1],
    3 * config.patchSize ** 2,
  ];
  return { patches: tensor3d(joined(patches, Float32Array), shape), grid };
}

/** Which patches of each image are masked, `[B, P]`. */
export function maskTensor(masks: readonly Uint8Array[]): Tensor2D {
  return tensor2d(joined(masks, Float32Array), [masks.length, masks[0]!.length]);
}

/** Positions within samples of `length` as positions within the batch; slots left over weigh 0. */
export function slotTensors(
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
