import { Tensor } from '@tensorflow/tfjs-core';
import type { Communicator } from '../communicator/communicator.js';
import type { Batch, BatchSource } from './contracts.js';

export interface IndexedBatch<B extends Batch> {
  index: number;
  batch: B;
}

/** This rank's micro-batches of a step; the caller owns them. */
export async function fetchBatches<B extends Batch>(
  source: BatchSource<B>,
  step: number,
  accumulate: number,
  { rank, size }: Communicator,
): Promise<IndexedBatch<B>[]> {
  const batches: IndexedBatch<B>[] = [];
  try {
    for (let k = 0; k < accumulate; k++) {
      const index = (step * accumulate + k) * size + rank;
      batches.push({ index, batch: await source(index) });
    }
  } catch (error) {
    disposeBatches(batches);
    throw error;
  }
  return batches;
}

/** Disposes every tensor in the batches, however deep in plain objects and arrays. */
export function disposeBatches(batches: readonly IndexedBatch<Batch>[]): void {
  for (const { batch } of batches) disposeWithin(batch);
}

function disposeWithin(value: unknown): void {
  if (value instanceof Tensor) value.dispose();
  else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const inner of Object.values(value)) disposeWithin(inner);
  }
}
