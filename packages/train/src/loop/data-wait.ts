import { ConfigError, TrainError } from '@imglish/core';
import { disposeBatches, type IndexedBatch } from './batches.js';
import type { Batch } from './contracts.js';
import { describeWarning, type WaitingForData } from './warnings.js';

/** How long a step waits for its batches. */
export interface Patience {
  /** Seconds until the first warning; the next ones come after twice, four times, … as many. Default 60. */
  warnAfter?: number;
  /** Seconds until it ends with a `TrainError`, `train/stuck-data`. Default: never. */
  failAfter?: number;
}

export interface Wait {
  /** Updates done. */
  step: number;
  patience: Patience | undefined;
  /** What is waited for, asked when it is told. */
  source: () => string;
  /** Ends the wait; none where others have begun the step already. */
  signal: AbortSignal | undefined;
  warn: (warning: WaitingForData) => void;
}

/** The batches when they come; undefined where `signal` comes first. What comes too late is disposed. */
export async function waitForBatches<B extends Batch>(
  fetched: Promise<IndexedBatch<B>[]>,
  { step, patience = {}, source, signal, warn }: Wait,
): Promise<IndexedBatch<B>[] | undefined> {
  const { warnAfter = 60, failAfter = Number.POSITIVE_INFINITY } = patience;
  const begun = performance.now();
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const after = (seconds: number, act: () => void): void => {
    // Longer timers would fire at once.
    if (seconds <= 2 ** 21) timers.add(setTimeout(act, 1000 * seconds));
  };
  const waited = (): WaitingForData => {
    const seconds = (performance.now() - begun) / 1000;
    return { kind: 'waiting-for-data', step, seconds, source: source() };
  };
  const warnAgain = (wait: number, total: number): void => {
    after(wait, () => {
      warn(waited());
      warnAgain(total, 2 * total);
    });
  };
  let stop: (() => void) | undefined;
  const givenUp = new Promise<undefined>((resolve, reject) => {
    warnAgain(warnAfter, warnAfter);
    after(failAfter, () => reject(stuck(waited(), failAfter)));
    stop = () => resolve(undefined);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
  let arrived = false;
  try {
    const batches = await Promise.race([fetched, givenUp]);
    arrived = batches !== undefined;
    return batches;
  } finally {
    if (!arrived) void fetched.then(disposeBatches, () => {});
    for (const timer of timers) clearTimeout(timer);
    if (stop) signal?.removeEventListener('abort', stop);
  }
}

export function checkPatience({ warnAfter = 1, failAfter = 1 }: Patience = {}): void {
  if (warnAfter > 0 && failAfter > 0) return;
  throw new ConfigError({
    code: 'train/options',
    where: 'train',
    expected: 'a patience of more than 0 seconds',
    got: JSON.stringify({ warnAfter, failAfter }),
  });
}

function stuck(warning: WaitingForData, failAfter: number): TrainError {
  return new TrainError({
    code: 'train/stuck-data',
    where: 'train',
    expected: `batches within ${failAfter} s`,
    got: describeWarning(warning),
    fix: 'Look whether that source can be read; the last checkpoint is whole.',
  });
}
