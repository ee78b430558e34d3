/** One comparison with the reference. */
export interface Check {
  /** The fixture file that holds the reference's value. */
  readonly file: string;
  readonly name: string;
  readonly passed: boolean;
  /** Measured difference and tolerance, or what was wrong. */
  readonly detail: string;
}

/** Collects checks; a suite adds to it, file by file. */
export interface Report {
  readonly checks: readonly Check[];
  /**
   * An output of the model in fp32: |actual − expected| ≤ 1e-5 · max(1, max |expected|). Rounding
   * grows with the values: the reference's own logits, at most 8, are 6e-6 to 2e-5 from a float64
   * run in models of 5 to 12 layers.
   */
  output(file: string, name: string, actual: Values, expected: Values): void;
  /** |actual − expected| ≤ tolerance everywhere. */
  close(file: string, name: string, actual: Values, expected: Values, tolerance: number): void;
  /** Equal shapes and values, or equal JSON. */
  equal(file: string, name: string, actual: unknown, expected: unknown): void;
  /** |actual − expected| ≤ 1e-5 · max(1, |expected|). */
  loss(file: string, name: string, actual: number, expected: number): void;
  /** A condition of its own, with what was measured. */
  check(file: string, name: string, passed: boolean, detail: string): void;
}

export interface Values {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

export function createReport(onCheck?: (check: Check) => void): Report {
  const checks: Check[] = [];
  const check = (file: string, name: string, passed: boolean, detail: string) => {
    const result = { file, name, passed, detail };
    checks.push(result);
    onCheck?.(result);
  };
  const close: Report['close'] = (file, name, actual, expected, tolerance) => {
    if (actual.shape.join() !== expected.shape.join()) {
      check(file, name, false, `shape [${actual.shape}], reference [${expected.shape}]`);
      return;
    }
    const worst = maxDifference(actual.values, expected.values);
    const detail = `off by ${worst.toExponential(1)} of ${tolerance.toExponential(1)}`;
    check(file, name, worst <= tolerance, detail);
  };
  return {
    checks,
    check,
    close,
    output(file, name, actual, expected) {
      const largest = maxDifference(expected.values, new Float32Array(expected.values.length));
      // A reference that is not finite is equal to nothing.
      close(file, name, actual, expected, largest < Infinity ? 1e-5 * Math.max(1, largest) : 0);
    },
    equal(file, name, actual, expected) {
      const [ours, theirs] = [JSON.stringify(actual), JSON.stringify(expected)];
      const same = ours === theirs;
      check(file, name, same, same ? 'equal' : `${clip(ours)}, reference ${clip(theirs)}`);
    },
    loss(file, name, actual, expected) {
      const tolerance = 1e-5 * Math.max(1, Math.abs(expected));
      const difference = Math.abs(actual - expected);
      const detail = `${actual}, reference ${expected}`;
      check(file, name, difference <= tolerance, detail);
    },
  };
}

/** The largest |a − b|; NaN anywhere gives infinity. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst;
}

/** √(Σ x²) over all elements of all. */
export function normOf(all: readonly Pick<Values, 'values'>[]): number {
  let squares = 0;
  for (const { values } of all) {
    for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!;
  }
  return Math.sqrt(squares);
}

function clip(text: string | undefined): string {
  const shown = String(text);
  return shown.length > 160 ? `${shown.slice(0, 160)}…` : shown;
}
