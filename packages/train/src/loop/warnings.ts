/** The gradient norm has been far above what it was, for several steps. */
export interface ExplodingNorm {
  readonly kind: 'exploding-norm';
  /** Updates done, the last of these steps included. */
  readonly step: number;
  readonly gradientNorm: number;
  /** Of the steps before, these included. */
  readonly median: number;
  /** How many steps in a row it has been so. */
  readonly steps: number;
}

/** A step cannot begin: its batches are not there. */
export interface WaitingForData {
  readonly kind: 'waiting-for-data';
  /** Updates done; the next one waits. */
  readonly step: number;
  /** How long it has waited. */
  readonly seconds: number;
  /** What for, as the source of the batches says. */
  readonly source: string;
}

/** What somebody should look at while training goes on. */
export type TrainWarning = ExplodingNorm | WaitingForData;

/** A warning in words. */
export function describeWarning(warning: TrainWarning): string {
  const { step } = warning;
  if (warning.kind === 'waiting-for-data') {
    const { seconds, source } = warning;
    return `step ${step + 1} has been waiting for data for ${Math.round(seconds)} s: ${source}`;
  }
  const { gradientNorm, median, steps } = warning;
  const [norm, usual] = [gradientNorm, median].map((value) => value.toPrecision(3));
  return `step ${step}: the gradient norm is ${norm}, usually ${usual}, and has been so for ${steps} steps`;
}
