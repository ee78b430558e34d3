import { describeWarning, type StepMetrics, type TrainWarning } from '@imglish/train';
import { type ThinnedCurve, thinnedCurve } from './thinned-curve.js';

/** What is told on the page of a run. */
export interface RunView {
  readonly title: string;
  readonly total: number;
  readonly last: StepMetrics | undefined;
  /** Steps per second, lately. */
  readonly rate: number;
  readonly secondsLeft: number | undefined;
  readonly losses: Readonly<Record<string, ThinnedCurve>>;
  readonly lr: ThinnedCurve;
  readonly gradientNorm: ThinnedCurve;
  readonly samplesPerSecond: ThinnedCurve;
  /** Latest first. */
  readonly warnings: readonly { readonly at: Date; readonly text: string }[];
}

/** Warnings that are remembered. */
const WARNINGS = 20;

/** Steps over which the rate is taken: not as many as would hide a change. */
const WINDOW = 50;

/** Collects what a page shows, in bounded memory. */
export class RunHistory implements RunView {
  last: StepMetrics | undefined;
  readonly losses: Record<string, ThinnedCurve> = {};
  readonly lr: ThinnedCurve = thinnedCurve();
  readonly gradientNorm: ThinnedCurve = thinnedCurve();
  readonly samplesPerSecond: ThinnedCurve = thinnedCurve();
  readonly warnings: { at: Date; text: string }[] = [];
  private readonly recent: StepMetrics[] = [];

  constructor(
    readonly title: string,
    readonly total: number,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** A step of this process, or one before it. */
  add(metrics: StepMetrics, past = false): void {
    this.last = metrics;
    const { step, losses, lr, gradientNorm, timing } = metrics;
    for (const [stream, loss] of Object.entries({ ...losses, total: metrics.total })) {
      this.losses[stream] ??= thinnedCurve();
      this.losses[stream].add(step, loss);
    }
    this.lr.add(step, lr);
    this.gradientNorm.add(step, gradientNorm);
    this.samplesPerSecond.add(step, timing.samplesPerSecond);
    if (past) return;
    this.recent.push(metrics);
    if (this.recent.length > WINDOW) this.recent.shift();
  }

  warn(warning: TrainWarning): void {
    this.say(describeWarning(warning));
  }

  say(text: string): void {
    this.warnings.unshift({ at: this.now(), text });
    this.warnings.length = Math.min(this.warnings.length, WARNINGS);
  }

  get rate(): number {
    const [first, last] = [this.recent[0], this.recent.at(-1)];
    if (!first || !last || first === last) return 0;
    return (last.step - first.step) / (last.timing.seconds - first.timing.seconds);
  }

  get secondsLeft(): number | undefined {
    const { rate, last } = this;
    return last && rate > 0 ? (this.total - last.step) / rate : undefined;
  }
}
