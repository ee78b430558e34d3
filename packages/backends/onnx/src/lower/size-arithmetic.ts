import type { Polynomial, Size, Term } from '../graph/size.js';

/** a + b. */
export function addSizes(a: Size, b: Size): Size {
  return collect([...termsOf(a), ...termsOf(b)]);
}

/** a · b. */
export function multiplySizes(a: Size, b: Size): Size {
  return collect(
    termsOf(a).flatMap((x) =>
      termsOf(b).map((y) => ({
        coefficient: x.coefficient * y.coefficient,
        symbols: [...x.symbols, ...y.symbols].sort(),
      })),
    ),
  );
}

/** The product of all sizes, 1 for none: how many values a tensor has. */
export function productOf(sizes: readonly Size[]): Size {
  return sizes.reduce(multiplySizes, 1);
}

function termsOf(size: Size): readonly Term[] {
  return typeof size === 'number' ? [{ coefficient: size, symbols: [] }] : size.terms;
}

function collect(terms: readonly Term[]): Size {
  const byKey = new Map<string, Term>();
  for (const term of terms) {
    const key = term.symbols.join();
    const coefficient = (byKey.get(key)?.coefficient ?? 0) + term.coefficient;
    byKey.set(key, { coefficient, symbols: term.symbols });
  }
  const kept = [...byKey.values()].filter(({ coefficient }) => coefficient !== 0);
  if (kept.every(({ symbols }) => symbols.length === 0)) return kept[0]?.coefficient ?? 0;
  kept.sort(
    (a, b) => b.symbols.length - a.symbols.length || (a.symbols.join() < b.symbols.join() ? -1 : 1),
  );
  return { terms: kept } satisfies Polynomial;
}
