import { cpus } from 'node:os';
import type { RaceResult } from './race.js';

/** What all sides did with one kind of input. */
export interface CaseReport extends RaceResult {
  readonly name: string;
  /** Samples in one run. */
  readonly samples: number;
  /** Largest difference between what a side computed and what ours did. */
  readonly differences: Readonly<Record<string, number>>;
}

export interface Report {
  readonly benchmark: string;
  /** Which model, and what is measured. */
  readonly what: string;
  readonly machine: string;
  readonly cases: readonly CaseReport[];
}

/** The processor and how many of its cores this process may use. */
export function machine(threads: number): string {
  return `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads, Node ${process.versions.node}`;
}

/** Columns: side, time of a sample, samples a second, how many times faster ours is, difference. */
export function reportText({ benchmark, what, machine, cases }: Report): string {
  const parts = cases.map(({ name, samples, standings, absences, differences }) => {
    const rows = standings.map(({ side, seconds, faster, settings }, i) => [
      side,
      `${((1000 * seconds) / samples).toFixed(2)} ms`,
      `${(samples / seconds).toFixed(2)}/s`,
      i === 0 ? '' : `${faster.toFixed(2)} ×`,
      differences[side] === undefined ? '' : differences[side].toExponential(1),
      settings,
    ]);
    const head = ['', 'a sample', 'samples', 'ours faster', 'difference', ''];
    return [
      `${name}`,
      ...columns([head, ...rows]).map((line) => `  ${line}`),
      ...absences.map(({ side, reason }) => `  ${side}: not run: ${reason}`),
    ].join('\n');
  });
  return [`${benchmark}: ${what}`, machine, '', parts.join('\n\n')].join('\n');
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}
