import { ConfigError, type ModelConfig, patchGrid, toHost } from '@imglish/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { MaskedSlots, MaskedStream } from '../objectives/masked-data-modelling.js';
import type { HostMaskedInputs } from '../objectives/run-masked-logits.js';

/** Labels and weights of masked slots on the host, `[M]` each. */
export interface SlotValues {
  readonly labels: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}

/** A stream on the host. */
export interface StreamValues {
  readonly inputs: HostMaskedInputs;
  readonly words?: SlotValues;
  readonly patches?: SlotValues;
}

/** Reads a stream, which stays the caller's; drop paths are left out. */
export async function readStream(stream: MaskedStream, config: ModelConfig): Promise<StreamValues> {
  const { inputs, words, patches } = stream;
  const { image } = inputs;
  if (image && 'patches' in image) requireOwnGrid(image.grid, config);
  const read = async (tensor: Tensor | undefined) => tensor && (await toHost(tensor));
  return {
    inputs: {
      textIds: await read(inputs.textIds),
      paddingMask: await read(inputs.paddingMask),
      pixels: await read(image && 'pixels' in image ? image.pixels : undefined),
      patches: await read(image && 'patches' in image ? image.patches : undefined),
      imageMask: await read(inputs.imageMask),
      wordPositions: await read(words?.positions),
      patchPositions: await read(patches?.positions),
    },
    ...(words ? { words: await readSlots(words) } : {}),
    ...(patches ? { patches: await readSlots(patches) } : {}),
  };
}

/** Labels and weights of slots, which stay the caller's. */
export async function readSlots({ labels, weights }: MaskedSlots): Promise<SlotValues> {
  return { labels: await labels.data(), weights: await weights.data() };
}

function requireOwnGrid([h, w]: readonly [number, number], config: ModelConfig): void {
  const [rows, columns] = patchGrid(config);
  if (h === rows && w === columns) return;
  throw new ConfigError({
    code: 'config/image-grid',
    where: 'evaluatePretraining',
    expected: `patches on the model's grid, ${rows} × ${columns}`,
    got: `${h} × ${w}`,
    fix: 'Give other sizes as pixels.',
  });
}
