import {
  createProgress,
  type Progress,
  type ProgressOptions,
  type ProgressRenderer,
  type ProgressReport,
} from '../progress/progress.js';

/** The part of a stream that is used; `process.stderr` is one. */
export interface TerminalStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface TerminalOptions {
  /** Default stderr, or stdout for `json`. */
  stream?: TerminalStream;
  /** One JSON object per line, for programs. */
  json?: boolean;
  /** Shortest time between two displays; default 0.1 on a terminal, 1 for `json`, 5 for plain lines. */
  everySeconds?: number;
  /** A clock in milliseconds. */
  now?: () => number;
}

/** Shows progress on a terminal as one line that changes; elsewhere as a line now and then, or JSON. */
export function terminalRenderer(options: TerminalOptions = {}): ProgressRenderer {
  const { json = false, now = () => performance.now() } = options;
  const stream = options.stream ?? (json ? process.stdout : process.stderr);
  const live = stream.isTTY === true && !json;
  const pause = 1000 * (options.everySeconds ?? (live ? 0.1 : json ? 1 : 5));
  let shownAt = -Infinity;
  let shown: ProgressReport | undefined;
  const show = (report: ProgressReport): void => {
    shown = report;
    shownAt = now();
    if (json) stream.write(`${JSON.stringify(report)}\n`);
    else if (!live) stream.write(`${describe(report)}\n`);
    else stream.write(`\r\x1b[2K${describe(report).slice(0, (stream.columns ?? 80) - 1)}`);
  };
  return {
    update(report: ProgressReport): void {
      if (now() - shownAt >= pause) show(report);
    },
    finish(report: ProgressReport): void {
      if (report !== shown) show(report);
      if (live) stream.write('\n');
    },
  };
}

/** Progress of any long work, shown on the terminal; a `total` of 0 is one that nobody knows. */
export function progress(
  label: string,
  total: number,
  options: TerminalOptions & Pick<ProgressOptions, 'start'> = {},
): Progress {
  const { start = 0, now } = options;
  return createProgress(label, total, terminalRenderer(options), { start, ...(now && { now }) });
}

function describe({ label, step, total, rate, secondsLeft, losses = {} }: ProgressReport): string {
  const of = total > 0 ? `/${total} (${Math.floor((100 * step) / total)} %)` : '';
  const parts = [`${label} ${step}${of}`];
  if (rate > 0) parts.push(rate >= 1 ? `${rate.toFixed(1)}/s` : `${(1 / rate).toFixed(1)} s each`);
  if (secondsLeft !== undefined && step < total) parts.push(`${duration(secondsLeft)} left`);
  for (const [stream, loss] of Object.entries(losses)) parts.push(`${stream} ${loss.toFixed(4)}`);
  return parts.join('  ');
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
