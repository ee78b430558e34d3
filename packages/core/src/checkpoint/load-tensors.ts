import { dispose, type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { LoadedCheckpoint } from './load-checkpoint.js';

/**
 * Reads the parameters of a checkpoint into tensors of the current backend, one at a time. The
 * caller owns them; if reading fails, those already made are disposed.
 */
export async function loadTensors(checkpoint: LoadedCheckpoint): Promise<Record<string, Tensor>> {
  const tensors: Record<string, Tensor> = {};
  try {
    for await (const { name, shape, data } of checkpoint.parameters()) {
      tensors[name] = tensor(data, [...shape], 'float32');
    }
    return tensors;
  } catch (error) {
    dispose(tensors);
    throw error;
  }
}
