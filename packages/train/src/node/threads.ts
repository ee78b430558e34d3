import { setImmediate } from 'node:timers/promises';
import { ConfigError } from '@imglish/core';
import type { Communicator } from '../communicator/communicator.js';
import { rankLeft, rankMismatch } from '../communicator/rank-errors.js';

const WHERE = 'threadCommunicator';

/** Memory that the ranks of one process share; it may be sent to workers as it is. */
export interface ThreadGroup {
  readonly size: number;
  /** Counters, then what each rank announces. */
  readonly control: SharedArrayBuffer;
  /** One slot of `slotBytes` per rank. */
  readonly slots: SharedArrayBuffer;
  readonly slotBytes: number;
}

/** Cells of `control`. */
const ARRIVED = 0;
const GENERATION = 1;
const LEFT = 2;
const FIRST_RANK = 3;

/** Longest that a waiting rank blocks its thread at a time. */
const WAIT_MS = 20;

/** What a rank announces before it meets the others. */
const REDUCE_FLOATS = 1;
const REDUCE_NUMBERS = 2;
const BROADCAST = 3;
const BARRIER = 4;

/** Makes the shared memory for `size` ranks; values larger than a slot travel in pieces. */
export function threadGroup(size: number, slotBytes: number = 2 ** 22): ThreadGroup {
  if (!Number.isInteger(size) || size < 1 || !(slotBytes > 0) || slotBytes % 8 !== 0) {
    throw new ConfigError({
      code: 'train/options',
      where: 'threadGroup',
      expected: 'a positive whole number of ranks, and slots of a multiple of 8 bytes',
      got: `${size} and ${slotBytes}`,
    });
  }
  return {
    size,
    control: new SharedArrayBuffer(4 * (FIRST_RANK + 2 * size)),
    slots: new SharedArrayBuffer(size * slotBytes),
    slotBytes,
  };
}

/**
 * One rank of a group of `worker_threads`, over shared memory.
 *
 * If a worker ends without closing its communicator, close it in its place, from any thread:
 * `threadCommunicator(group, rank).close()`; otherwise the others wait for it for ever.
 *
 * Its methods reject with a `TrainError`: `train/rank-left` when another rank has closed, and
 * `train/rank-mismatch` when the ranks do not make the same calls.
 */
export function threadCommunicator(group: ThreadGroup, rank: number): Communicator {
  const { size, slotBytes } = group;
  if (!Number.isInteger(rank) || rank < 0 || rank >= size) {
    throw new ConfigError({
      code: 'train/options',
      where: 'threadCommunicator',
      expected: `a rank from 0 to ${size - 1}`,
      got: String(rank),
    });
  }
  const control = new Int32Array(group.control);

  /** Waits for all ranks; all must be about to do the same. */
  const meet = async (action: number, length: number): Promise<void> => {
    control[FIRST_RANK + 2 * rank] = action;
    control[FIRST_RANK + 2 * rank + 1] = length;
    await arrive(control, size);
    for (let other = 0; other < size; other++) {
      const [theirs, theirLength] = control.subarray(FIRST_RANK + 2 * other);
      if (theirs !== action || theirLength !== length) {
        throw rankMismatch(WHERE, `different ones on ranks ${rank} and ${other}`);
      }
    }
    // Nobody may announce its next call before all have looked.
    await arrive(control, size);
  };

  /** Puts values into this rank's slot piece by piece, and takes what `combine` makes of all slots. */
  const exchange = async <T extends Float32Array | Float64Array>(
    action: number,
    values: T,
    combine: (slot: (rank: number) => T, result: T) => void,
  ): Promise<T> => {
    const result = values.slice() as T;
    const View = values.constructor as new (b: SharedArrayBuffer, at: number, n: number) => T;
    const piece = slotBytes / values.BYTES_PER_ELEMENT;
    await meet(action, values.length);
    for (let at = 0; at < values.length; at += piece) {
      const length = Math.min(piece, values.length - at);
      const slot = (other: number): T => new View(group.slots, other * slotBytes, length);
      slot(rank).set(values.subarray(at, at + length));
      await arrive(control, size);
      combine(slot, result.subarray(at, at + length) as T);
      // Nobody may write its next piece before all have read this one.
      await arrive(control, size);
    }
    return result;
  };

  return {
    rank,
    size,
    async allReduce<T extends Float32Array | number[]>(values: T): Promise<T> {
      if (values instanceof Float32Array) {
        return (await exchange<Float32Array>(REDUCE_FLOATS, values, sumInto(size))) as T;
      }
      const numbers = Float64Array.from(values);
      return [...(await exchange<Float64Array>(REDUCE_NUMBERS, numbers, sumInto(size)))] as T;
    },
    async broadcast<T extends Float32Array | number[]>(values: T, root = 0): Promise<T> {
      const array = values instanceof Float32Array ? values : Float64Array.from(values);
      const result = await exchange(BROADCAST + 8 * root, array, (slot, into) => {
        into.set(slot(root));
      });
      return (values instanceof Float32Array ? result : [...result]) as T;
    },
    async barrier(): Promise<void> {
      await meet(BARRIER, 0);
    },
    async close(): Promise<void> {
      Atomics.compareExchange(control, LEFT, 0, rank + 1);
      Atomics.notify(control, GENERATION);
    },
  };
}

/** result ← slot 0 + slot 1 + …, in this order, each sum rounded to the precision of the array. */
function sumInto(
  size: number,
): <T extends Float32Array | Float64Array>(slot: (rank: number) => T, result: T) => void {
  return (slot, result) => {
    result.set(slot(0));
    for (let rank = 1; rank < size; rank++) {
      const values = slot(rank);
      for (let i = 0; i < result.length; i++) result[i]! += values[i]!;
    }
  };
}

/** Resolves when as many as `size` have arrived since the last time; the last one wakes the others. */
async function arrive(control: Int32Array, size: number): Promise<void> {
  const assertComplete = (): void => {
    const left = Atomics.load(control, LEFT);
    if (left > 0) throw rankLeft(WHERE, left - 1);
  };
  assertComplete();
  const generation = Atomics.load(control, GENERATION);
  if (Atomics.add(control, ARRIVED, 1) + 1 === size) {
    Atomics.store(control, ARRIVED, 0);
    Atomics.add(control, GENERATION, 1);
    Atomics.notify(control, GENERATION);
    return;
  }
  // Short blocking waits: on busy processors Atomics.waitAsync wakes several times later.
  while (Atomics.load(control, GENERATION) === generation) {
    assertComplete();
    Atomics.wait(control, GENERATION, generation, WAIT_MS);
    // Signals, messages and other ranks of this thread have their turn.
    await setImmediate();
  }
}
