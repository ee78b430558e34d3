import { ConfigError, draw } from '@imglish/core';

/** Shares of the splits by name; they add up to 1. */
export type SplitShares = Readonly<Record<string, number>>;

/** Eight parts train, one part validation, one part test. */
export const defaultShares: { readonly train: 0.8; readonly validation: 0.1; readonly test: 0.1 } =
  {
    train: 0.8,
    validation: 0.1,
    test: 0.1,
  };

/**
 * The split that `key` falls into, by a hash of the key and the seed: adding or removing other
 * examples moves none. Give examples that must stay together (the same picture, the same person)
 * the same key.
 *
 * The realised shares differ from the asked ones as a sample does from its distribution.
 */
export function splitOf<S extends SplitShares>(key: string, shares: S, seed = 0): keyof S & string {
  const names = checkShares(shares);
  let rest = draw(seed, `data/split/${key}`).uniform();
  for (const name of names) {
    rest -= shares[name]!;
    if (rest < 0) return name;
  }
  return names[names.length - 1]!;
}

/** For every split, the indices of the keys that fall into it, ascending. */
export function splitIndices<S extends SplitShares>(
  keys: readonly string[],
  shares: S,
  seed = 0,
): Record<keyof S & string, number[]> {
  const names = checkShares(shares);
  const indices = Object.fromEntries(names.map((name) => [name, [] as number[]]));
  keys.forEach((key, index) => {
    indices[splitOf(key, shares, seed)]!.push(index);
  });
  return indices as Record<keyof S & string, number[]>;
}

function checkShares<S extends SplitShares>(shares: S): (keyof S & string)[] {
  const entries = Object.entries(shares);
  const total = entries.reduce((sum, [, share]) => sum + share, 0);
  if (!entries.every(([, share]) => share >= 0) || Math.abs(total - 1) > 1e-9) {
    throw new ConfigError({
      code: 'config/split-shares',
      where: 'splitOf',
      expected: 'shares of at least 0 that add up to 1',
      got: JSON.stringify(shares),
    });
  }
  return entries.filter(([, share]) => share > 0).map(([name]) => name as keyof S & string);
}
