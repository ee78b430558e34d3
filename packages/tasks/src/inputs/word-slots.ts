import type { HostTensor } from '@imglish/core';
import type { MaskedTextSample } from '@imglish/pretrain';

/** Masked words of a batch in a fixed number of slots `[M]`; an empty one weighs 0. */
export interface WordSlots {
  /** Row-major indices into `[B, T]`, int32. */
  readonly positions: HostTensor;
  /** What stood there, int32. */
  readonly labels: HostTensor;
  readonly weights: HostTensor;
  /** Slots that are not empty. */
  readonly count: number;
}

/** `each` slots for every text. */
export function wordSlotsOf(texts: readonly MaskedTextSample[], each: number): WordSlots {
  const shape = [texts.length * each];
  const positions = new Int32Array(shape[0]!);
  const labels = new Int32Array(shape[0]!);
  const weights = new Float32Array(shape[0]!);
  texts.forEach(({ ids, slots }, text) => {
    slots.positions.forEach((position, i) => {
      const slot = text * each + i;
      positions[slot] = text * ids.length + position;
      labels[slot] = slots.labels[i]!;
      weights[slot] = 1;
    });
  });
  return {
    positions: { dtype: 'int32', shape, data: positions },
    labels: { dtype: 'int32', shape, data: labels },
    weights: { dtype: 'float32', shape, data: weights },
    count: weights.reduce((sum, weight) => sum + weight, 0),
  };
}
