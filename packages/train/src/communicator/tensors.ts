import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { Communicator } from './communicator.js';

/** Elements that travel in one message: 16 MB. */
const BUCKET = 2 ** 22;

/**
 * Σ over ranks of tensors that some ranks may lack (a lacking one counts as zeros). A tensor that no
 * rank has stays absent: no gradient is not a zero gradient.
 *
 * `shapes` names every tensor there can be, in the same order on every rank. Takes over `tensors`:
 * they are disposed, or returned where there is one rank only.
 */
export async function allReduceTensors(
  communicator: Communicator,
  shapes: Readonly<Record<string, { readonly shape: number[]; readonly size: number }>>,
  tensors: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  if (communicator.size === 1) return tensors;
  const all = Object.keys(shapes);
  const holders = await communicator.allReduce(all.map((name) => (tensors[name] ? 1 : 0)));
  const names = all.filter((_, i) => holders[i]! > 0);
  const reduced: Record<string, Tensor> = {};
  for (const bucket of buckets(names, (name) => shapes[name]!.size)) {
    const flat = new Float32Array(bucket.reduce((sum, name) => sum + shapes[name]!.size, 0));
    let at = 0;
    for (const name of bucket) {
      const mine = tensors[name];
      if (mine) flat.set((await mine.data()) as Float32Array, at);
      mine?.dispose();
      at += shapes[name]!.size;
    }
    const sums = await communicator.allReduce(flat);
    at = 0;
    for (const name of bucket) {
      const { shape, size } = shapes[name]!;
      reduced[name] = tensor(sums.slice(at, at + size), shape, 'float32');
      at += size;
    }
  }
  return reduced;
}

/** Rank 0's tensors on every rank. All ranks have the same names and shapes; takes over `tensors`. */
export async function broadcastTensors(
  communicator: Communicator,
  tensors: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  if (communicator.size === 1) return tensors;
  const result: Record<string, Tensor> = {};
  for (const [name, mine] of Object.entries(tensors)) {
    const values = await communicator.broadcast((await mine.data()) as Float32Array);
    result[name] = tensor(values, mine.shape, 'float32');
    mine.dispose();
  }
  return result;
}

function buckets(names: readonly string[], sizeOf: (name: string) => number): string[][] {
  const result: string[][] = [];
  let room = 0;
  for (const name of names) {
    const size = sizeOf(name);
    if (result.length === 0 || size > room) {
      result.push([]);
      room = BUCKET;
    }
    result.at(-1)!.push(name);
    room -= size;
  }
  return result;
}
