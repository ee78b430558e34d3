import { dispose } from '@tensorflow/tfjs-core';
import type { PretrainBatch } from './pretrain-batches.js';

/** Disposes every tensor of a batch. */
export function disposeBatch({ text, image, pair }: PretrainBatch): void {
  // tfjs walks any nesting of plain objects; its type asks for index signatures.
  dispose([text, image, pair] as never);
}
