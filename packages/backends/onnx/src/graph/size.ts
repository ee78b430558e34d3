/** A product of free sizes and a whole number; no symbols: the number itself. */
export interface Term {
  readonly coefficient: number;
  /** Names of free sizes, sorted. */
  readonly symbols: readonly string[];
}

/** A size that depends on free sizes: a sum of terms. */
export interface Polynomial {
  readonly terms: readonly Term[];
}

/** A size (or another whole number of a graph) that is known, or a polynomial of the free sizes. */
export type Size = number | Polynomial;

/** What the free sizes are in one run. */
export type SizeValues = Readonly<Record<string, number>>;

export function evaluate(size: Size, values: SizeValues): number {
  if (typeof size === 'number') return size;
  return size.terms.reduce(
    (sum, { coefficient, symbols }) =>
      sum + symbols.reduce((product, symbol) => product * values[symbol]!, coefficient),
    0,
  );
}

/** As one reads it: `batch * patches + 1`. */
export function showSize(size: Size): string {
  if (typeof size === 'number') return String(size);
  return size.terms
    .map(({ coefficient, symbols }) =>
      [...(coefficient !== 1 || symbols.length === 0 ? [coefficient] : []), ...symbols].join('*'),
    )
    .join(' + ');
}

export function sameSize(a: Size, b: Size): boolean {
  return typeof a === 'number' || typeof b === 'number' ? a === b : showSize(a) === showSize(b);
}

/** Every subset of the symbols: the corners at which a multilinear function is known. */
export function subsets(symbols: readonly string[]): string[][] {
  const sets: string[][] = [[]];
  for (const symbol of symbols) sets.push(...sets.map((set) => [...set, symbol]));
  return sets;
}

/**
 * The multilinear polynomial with whole coefficients that is `at(corner)` where each symbol of the
 * corner has its value of `high` and the others theirs of `low`; undefined where there is none.
 *
 * With d = high − low and Δ the difference by inclusion and exclusion, p(s) = Σ Δ_S ∏ (s − low) / d.
 */
export function interpolate(
  at: (corner: readonly string[]) => number,
  low: SizeValues,
  high: SizeValues,
): Size | undefined {
  const symbols = Object.keys(low).sort();
  const coefficients = new Map<string, { coefficient: number; symbols: string[] }>();
  for (const set of subsets(symbols)) {
    let delta = 0;
    for (const corner of subsets(set)) {
      delta += ((set.length - corner.length) % 2 === 0 ? 1 : -1) * at(corner);
    }
    if (delta === 0) continue;
    const scale = set.reduce((product, symbol) => product * (high[symbol]! - low[symbol]!), 1);
    // ∏ (s − low) spread out: what is not taken as a symbol is taken as −low.
    for (const taken of subsets(set)) {
      const rest = set.filter((symbol) => !taken.includes(symbol));
      const factor = rest.reduce((product, symbol) => product * -low[symbol]!, delta / scale);
      const key = taken.join();
      const before = coefficients.get(key)?.coefficient ?? 0;
      coefficients.set(key, { coefficient: before + factor, symbols: taken });
    }
  }
  const terms: Term[] = [];
  for (const { coefficient, symbols } of coefficients.values()) {
    const whole = Math.round(coefficient);
    if (Math.abs(coefficient - whole) > 1e-6) return undefined;
    if (whole !== 0) terms.push({ coefficient: whole, symbols });
  }
  if (terms.length === 0) return 0;
  if (terms.every(({ symbols }) => symbols.length === 0)) return terms[0]!.coefficient;
  terms.sort(
    (a, b) => b.symbols.length - a.symbols.length || (a.symbols.join() < b.symbols.join() ? -1 : 1),
  );
  return { terms };
}

export function sameShape(a: readonly Size[], b: readonly Size[]): boolean {
  return a.length === b.length && a.every((size, axis) => sameSize(size, b[axis]!));
}
