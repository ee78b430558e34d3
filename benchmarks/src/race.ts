import { setTimeout } from 'node:timers/promises';
import { median } from './compare.js';

/** One of those that compute the same thing. */
export interface Side {
  readonly name: string;
  /** How it was set up, for the reader. */
  readonly settings: string;
  /** Computes it `runs` times, one after the other; seconds of each. */
  run(runs: number): Promise<number[]>;
}

export interface Standing {
  readonly side: string;
  readonly settings: string;
  /** Seconds of one run: the median of the rounds. */
  readonly seconds: number;
  /** Of each round; only one for a side that takes very long. */
  readonly rounds: readonly number[];
  /** How many times faster ours is: the median of the rounds' ratios. */
  readonly faster: number;
}

/** A side that did not run, and why. */
export interface Absence {
  readonly side: string;
  readonly reason: string;
}

export interface RaceOptions {
  readonly rounds: number;
  /** About how long each side runs in a round. */
  readonly turnSeconds: number;
  /** Name of the only case to run; by default all. */
  readonly only?: string | undefined;
  /** Is told what is under way. */
  readonly note?: (text: string) => void;
}

export interface RaceResult {
  /** Ours first. */
  readonly standings: readonly Standing[];
  readonly absences: readonly Absence[];
}

/** The cases that are asked for; throws where there is none of that name. */
export function casesOf<T extends { readonly name: string }>(
  cases: readonly T[],
  { only }: RaceOptions,
): readonly T[] {
  const asked = cases.filter(({ name }) => only === undefined || name === only);
  if (asked.length > 0) return asked;
  throw new Error(
    `there is no case "${only}"; there are ${cases.map(({ name }) => name).join(', ')}`,
  );
}

/** A warm side whose run takes this many turns is not run again: that run is all there is of it. */
const TOO_LONG = 8;
/** Threads of the side before may spin for a while after their work is done. */
const PAUSE_MS = 100;

/**
 * Lets all sides run in turn, round after round, so that what else the machine does falls on all;
 * by the clock, as each uses all processors. Before that each warms up for a turn. A peer that fails
 * is absent, with its message as the reason; ours must not fail.
 */
export async function race(
  ours: Side,
  peers: readonly Side[],
  { rounds, turnSeconds, note = () => {} }: RaceOptions,
): Promise<RaceResult> {
  const absences: Absence[] = [];
  const entries: { side: Side; count: number; rounds: number[] }[] = [];
  for (const side of [ours, ...peers]) {
    note(`warming up: ${side.name}`);
    try {
      const once = await warmUp(side, turnSeconds);
      const isLong = once > TOO_LONG * turnSeconds && side !== ours;
      const count = isLong ? 0 : Math.max(1, Math.round(turnSeconds / once));
      entries.push({ side, count, rounds: isLong ? [once] : [] });
    } catch (error) {
      if (side === ours) throw error;
      absences.push({ side: side.name, reason: (error as Error).message });
    }
  }
  for (let round = 0; round < rounds; round++) {
    note(`round ${round + 1} of ${rounds}`);
    for (const entry of entries) {
      if (entry.count === 0) continue;
      await setTimeout(PAUSE_MS);
      entry.rounds.push(median(await entry.side.run(entry.count)));
    }
  }
  const mine = entries[0]!.rounds;
  const standings = entries.map(({ side, rounds }): Standing => {
    const ratios =
      rounds.length === mine.length
        ? rounds.map((seconds, round) => seconds / mine[round]!)
        : [rounds[0]! / median([...mine])];
    return {
      side: side.name,
      settings: side.settings,
      seconds: median([...rounds]),
      rounds,
      faster: median(ratios),
    };
  });
  return { standings, absences };
}

/**
 * Runs for a turn, in which engines compile, fill caches and start threads, and twice at least, as
 * the first run may be all compiling. The last run's time.
 */
async function warmUp(side: Side, turnSeconds: number): Promise<number> {
  let [once] = (await side.run(1)) as [number];
  let spent = 0;
  do {
    [once] = (await side.run(1)) as [number];
    spent += once;
  } while (spent < turnSeconds);
  return once;
}
