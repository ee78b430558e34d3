import type { Communicator } from './communicator.js';

/** Elements that travel in one message: 16 MB. */
const BUCKET = 2 ** 22;

/** Named tensors that some ranks may lack. */
export interface SparseValues {
  /** Elements of every tensor there can be, in the same order on every rank. */
  sizes: Readonly<Record<string, number>>;
  /** Whether this rank has it; a lacking one counts as zeros. */
  has(name: string): boolean;
  /** Called once for each that this rank has. */
  read(name: string): Promise<Float32Array>;
  /** Called once for each that any rank has, with the sum. */
  write(name: string, values: Float32Array): Promise<void>;
}

/**
 * Σ over ranks. What no rank has stays absent: no gradient is not a zero gradient. The names of
 * what some rank has, in the order of `sizes`.
 */
export async function allReduceValues(
  communicator: Communicator,
  { sizes, has, read, write }: SparseValues,
): Promise<string[]> {
  const all = Object.keys(sizes);
  if (communicator.size === 1) return all.filter(has);
  const holders = await communicator.allReduce(all.map((name) => (has(name) ? 1 : 0)));
  const names = all.filter((_, i) => holders[i]! > 0);
  const pack = async (bucket: readonly string[]): Promise<Float32Array> => {
    const flat = new Float32Array(bucket.reduce((sum, name) => sum + sizes[name]!, 0));
    let at = 0;
    for (const name of bucket) {
      if (has(name)) flat.set(await read(name), at);
      at += sizes[name]!;
    }
    return flat;
  };
  const unpack = async (bucket: readonly string[], sums: Float32Array): Promise<void> => {
    let at = 0;
    for (const name of bucket) {
      await write(name, sums.slice(at, at + sizes[name]!));
      at += sizes[name]!;
    }
  };
  const inOrder = buckets(names, sizes);
  let next = pack(inOrder[0] ?? []);
  for (const [i, bucket] of inOrder.entries()) {
    const sums = communicator.allReduce(await next);
    // Packed while this one is on its way; awaited after it.
    next = pack(inOrder[i + 1] ?? []);
    next.catch(() => {});
    await unpack(bucket, await sums);
  }
  return names;
}

function buckets(names: readonly string[], sizes: Readonly<Record<string, number>>): string[][] {
  const result: string[][] = [];
  let room = 0;
  for (const name of names) {
    const size = sizes[name]!;
    if (result.length === 0 || size > room) {
      result.push([]);
      room = BUCKET;
    }
    result.at(-1)!.push(name);
    room -= size;
  }
  return result;
}
