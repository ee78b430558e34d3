/** How far a long piece of work has come. */
export interface ProgressReport {
  /** What is being done. */
  readonly label: string;
  /** Steps done, of `total`. */
  readonly step: number;
  readonly total: number;
  /** Steps per second over the last ten seconds or so; 0 until it can be told. */
  readonly rate: number;
  /** At that rate; `undefined` until it can be told. */
  readonly secondsLeft: number | undefined;
  readonly losses?: Readonly<Record<string, number>>;
}

/** Shows reports to somebody; free to leave some out. */
export interface ProgressRenderer {
  update(report: ProgressReport): void;
  /** The last report; nothing comes after it. */
  finish(report: ProgressReport): void;
}

export interface Progress {
  /** Sets the steps done. */
  set(step: number, losses?: Readonly<Record<string, number>>): void;
  /** Adds to the steps done, 1 by default. */
  advance(by?: number): void;
  /** Ends the display, complete or not. */
  finish(): void;
}

export interface ProgressOptions {
  /** Steps that were done before, by work that now goes on; they do not count for the rate. */
  start?: number;
  /** A clock in milliseconds. */
  now?: () => number;
}

/** The rate is taken over this many seconds, so that it follows work that gets slower or faster. */
const WINDOW_SECONDS = 10;

/** Less time than this tells nothing about a rate. */
const TELLING_MS = 20;

/** Measures the rate of some work and hands reports to a renderer. */
export function createProgress(
  label: string,
  total: number,
  renderer: ProgressRenderer,
  { start = 0, now = () => performance.now() }: ProgressOptions = {},
): Progress {
  const marks: { time: number; step: number }[] = [{ time: now(), step: start }];
  let last: ProgressReport = { label, step: start, total, rate: 0, secondsLeft: undefined };
  const set = (step: number, losses?: Readonly<Record<string, number>>): void => {
    const time = now();
    marks.push({ time, step });
    const horizon = time - 1000 * WINDOW_SECONDS;
    while (marks.length > 2 && marks[1]!.time < horizon) marks.shift();
    const oldest = marks[0]!;
    const elapsed = time - oldest.time;
    const rate = elapsed >= TELLING_MS ? (1000 * (step - oldest.step)) / elapsed : 0;
    const secondsLeft = rate > 0 ? (total - step) / rate : undefined;
    last = { label, step, total, rate, secondsLeft, ...(losses ? { losses } : {}) };
    renderer.update(last);
  };
  return {
    set,
    advance: (by = 1) => set(last.step + by),
    finish: () => renderer.finish(last),
  };
}
