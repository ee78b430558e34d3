/** Two ways to compute the same: ours, and the peer it is compared with. */
export interface Contest {
  name: string;
  /** What the peer is. */
  peer: string;
  ours: () => void;
  theirs: () => void;
  /** Floating point operations of one run, for a rate. */
  operations?: number;
}

export interface Result {
  name: string;
  peer: string;
  /** Milliseconds of processor time a run, the median of the rounds. */
  ours: number;
  theirs: number;
  /** How many times faster ours is: the median of the rounds' ratios. */
  ratio: number;
  /** Billions of operations a second, ours. */
  gflops?: number;
}

const ROUNDS = 9;
const ROUND_MS = 40;

/** Runs both sides in turn, so that what else the machine does falls on both. */
export function compare({ name, peer, ours, theirs, operations }: Contest): Result {
  const count = Math.max(1, Math.round(ROUND_MS / Math.max(warm(ours), warm(theirs))));
  const rounds = Array.from({ length: ROUNDS }, () => ({
    ours: time(ours, count),
    theirs: time(theirs, count),
  }));
  const mine = median(rounds.map((round) => round.ours));
  return {
    name,
    peer,
    ours: mine,
    theirs: median(rounds.map((round) => round.theirs)),
    ratio: median(rounds.map((round) => round.theirs / round.ours)),
    ...(operations !== undefined && { gflops: operations / mine / 1e6 }),
  };
}

/** Lets the engine optimise, then the time of one run. */
function warm(run: () => void): number {
  time(run, 10);
  return time(run, 3);
}

/** Processor time, not the clock's: for what runs on one thread, on a machine that others use too. */
function time(run: () => void, count: number): number {
  const start = process.cpuUsage();
  for (let i = 0; i < count; i++) run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000 / count;
}

export function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

export function table(results: readonly Result[]): string {
  const rows = results.map(({ name, ours, theirs, ratio, gflops, peer }) => [
    name,
    `${ours.toFixed(3)} ms`,
    `${theirs.toFixed(3)} ms`,
    `${ratio.toFixed(2)} ×`,
    gflops === undefined ? '' : `${gflops.toFixed(1)} GFLOP/s`,
    peer,
  ]);
  const all = [['what', 'ours', 'peer', 'faster', '', 'the peer'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')).join('\n');
}
