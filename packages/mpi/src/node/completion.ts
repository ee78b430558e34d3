import { setImmediate } from 'node:timers/promises';
import type { Pending } from './mpi.js';

/** Questions asked without a nap; longest nap, in milliseconds. */
const EAGER_QUESTIONS = 200;
const LONGEST_NAP = 1;

const cell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Resolves when a call has completed. Signals, files and other events have their turn meanwhile.
 *
 * `patient` is for what may take long because another rank computes: then this thread naps between
 * two questions, so that its processor is free for whoever works. What is under way among ranks that
 * are all there is asked for without a pause, since MPI makes progress only when asked.
 */
export async function completion(
  pending: Pending,
  { patient }: { patient: boolean },
): Promise<void> {
  for (let questions = 1; !pending(); questions++) {
    if (patient && questions > EAGER_QUESTIONS) {
      Atomics.wait(cell, 0, 0, Math.min(LONGEST_NAP, 0.005 * (questions - EAGER_QUESTIONS)));
    }
    await setImmediate();
  }
}
