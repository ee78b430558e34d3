import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { median } from './compare.js';
import type { RaceOptions } from './race.js';
import { machine } from './report.js';

/** How a step is shared out. */
export interface Setup {
  processes: number;
  /** Of each process. */
  threads: number;
}

export interface Measured extends Setup {
  /** The median of the rounds. */
  samplesPerSecond: number;
  rounds: number[];
}

export interface RanksReport {
  benchmark: 'ranks';
  what: string;
  machine: string;
  setups: Measured[];
  /** Samples per second of many processes of one thread, over as many times those of one. */
  efficiency: number;
  /** The same, over those of one process that has all threads. */
  againstThreads: number;
}

/** Runs one setup for some seconds, and says its samples per second. */
export type RunSetup = (setup: Setup, seconds: number) => Promise<number>;

/**
 * Samples per second of a training step on one process with one thread, one with all, and as many
 * processes as there are threads, over Open MPI, each with a batch of its own.
 */
export async function ranks(
  { rounds, turnSeconds, note = () => {} }: RaceOptions,
  run: RunSetup = launch,
  threads: number = Math.max(2, availableParallelism()),
): Promise<RanksReport> {
  const setups: Setup[] = [
    { processes: 1, threads: 1 },
    { processes: 1, threads },
    { processes: threads, threads: 1 },
  ];
  const found = setups.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, setup] of setups.entries()) {
      note(`round ${round + 1} of ${rounds}, ${nameOf(setup)}`);
      found[i]!.push(await run(setup, turnSeconds));
    }
  }
  const measured = setups.map((setup, i): Measured => {
    return { ...setup, samplesPerSecond: median(found[i]!), rounds: found[i]! };
  });
  const ratio = (many: number[], few: number[]) => median(many.map((x, i) => x / few[i]!));
  const [single, threaded, processes] = found as [number[], number[], number[]];
  return {
    benchmark: 'ranks',
    what: 'a training step of 12 M parameters, 32 pairs in each process; gradients added up over Open MPI',
    machine: machine(threads),
    setups: measured,
    efficiency: ratio(processes, single) / threads,
    againstThreads: ratio(processes, threaded),
  };
}

export function ranksText(report: RanksReport): string {
  const { what, machine, setups, efficiency, againstThreads } = report;
  const rows = setups.map(
    (setup) => `  ${nameOf(setup).padEnd(28)}${setup.samplesPerSecond.toFixed(2)} samples/s`,
  );
  const scaling = `  ${(100 * efficiency).toFixed(0)} % of as many times one process with one thread`;
  const threads = `  ${againstThreads.toFixed(2)} × one process with as many threads`;
  return [`ranks: ${what}`, machine, '', ...rows, '', scaling, threads].join('\n');
}

function nameOf({ processes, threads }: Setup): string {
  const of = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;
  return `${of(processes, 'process', 'processes')} × ${of(threads, 'thread', 'threads')}`;
}

function launch({ processes, threads }: Setup, seconds: number): Promise<number> {
  const script = fileURLToPath(new URL('./rank-process.js', import.meta.url));
  const node = [process.execPath, script, String(threads), String(seconds)];
  const mpirun = ['mpirun', '--bind-to', 'none', '-np', String(processes)];
  const [program, ...args] = processes === 1 ? node : [...mpirun, ...node];
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const out: string[] = [];
  child.stdout.on('data', (chunk) => out.push(String(chunk)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      // Other lines may be a library's.
      const figure = out
        .join('')
        .trim()
        .split('\n')
        .map(Number)
        .find((value) => value > 0);
      if (code === 0 && figure !== undefined) resolve(figure);
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}, without a figure`));
    });
  });
}
