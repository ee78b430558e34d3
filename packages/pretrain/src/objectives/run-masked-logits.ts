import {
  type Executor,
  type HostTensor,
  type ImageInput,
  type ModelConfig,
  patchGrid,
  type TensorMap,
  type Traceable,
} from '@imglish/core';
import type { Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { maskedLogits } from './masked-data-modelling.js';

/** What `maskedLogits` reads, on the host. */
export interface HostMaskedInputs {
  /** `[B, T]` int32. */
  textIds?: HostTensor | undefined;
  /** `[B, T]`. */
  paddingMask?: HostTensor | undefined;
  /** The image's pixels `[B, 3, H, W]`, or its patches `[B, P, 3 p p]` on the model's own grid. */
  pixels?: HostTensor | undefined;
  patches?: HostTensor | undefined;
  /** `[B, P]`. */
  imageMask?: HostTensor | undefined;
  /** Masked words: row-major indices into `[B, T]`, `[M]` int32. */
  wordPositions?: HostTensor | undefined;
  /** Masked patches: row-major indices into `[B, P]`, `[M]` int32. */
  patchPositions?: HostTensor | undefined;
}

/** Sizes of the inputs that differ between texts and batches; masked words and patches have their own. */
export const MASKED_FREE_SIZES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  textIds: { 0: 'batch', 1: 'text' },
  paddingMask: { 0: 'batch', 1: 'text' },
  pixels: { 0: 'batch' },
  patches: { 0: 'batch' },
  imageMask: { 0: 'batch' },
  wordPositions: { 0: 'words' },
  patchPositions: { 0: 'maskedPatches' },
};

/** `[M, V]` over words and `[M, K]` over visual codes, for the positions that were given. */
export interface HostMaskedLogits {
  words?: HostTensor;
  patches?: HostTensor;
}

/** `maskedLogits` by an executor, whose parameters are the model's. */
export async function runMaskedLogits(
  executor: Executor,
  config: ModelConfig,
  inputs: HostMaskedInputs,
): Promise<HostMaskedLogits> {
  const given = Object.entries(inputs).filter(([, value]) => value !== undefined);
  return executor.run(traceableOf(config), Object.fromEntries(given));
}

/** One function for each configuration: an executor compiles it once. */
const traceables: WeakMap<ModelConfig, Traceable> = new WeakMap();

function traceableOf(config: ModelConfig): Traceable {
  let traceable = traceables.get(config);
  if (!traceable) {
    traceable = function masked(inputs, parameters) {
      const { wordPositions, patchPositions } = inputs;
      const { words, patches } = maskedLogits(parameters, config, {
        inputs: {
          image: imageOf(inputs, config),
          imageMask: inputs.imageMask as Tensor2D | undefined,
          textIds: inputs.textIds as Tensor2D | undefined,
          paddingMask: inputs.paddingMask as Tensor2D | undefined,
        },
        ...(wordPositions ? { words: { positions: wordPositions as Tensor1D } } : {}),
        ...(patchPositions ? { patches: { positions: patchPositions as Tensor1D } } : {}),
      });
      return { ...(words ? { words } : {}), ...(patches ? { patches } : {}) };
    };
    traceables.set(config, traceable);
  }
  return traceable;
}

function imageOf({ pixels, patches }: TensorMap, config: ModelConfig): ImageInput | undefined {
  if (pixels) return { pixels: pixels as Tensor4D };
  return patches && { patches: patches as Tensor3D, grid: patchGrid(config) };
}
