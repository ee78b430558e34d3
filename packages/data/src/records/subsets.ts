/** A split and what the files of the data set call it. */
export interface Subset {
  /** `train`, `val`, `test`, `test-dev`, or the name in the files where it is none of these. */
  readonly split: string;
  /** `train2014`, as in `captions_train2014.json`. */
  readonly name: string;
}

const ORDER = ['train', 'val', 'test-dev', 'test'];

/**
 * The subsets that a folder's files speak of: `pattern` finds a name in the first group, and a year
 * behind it is not part of the split, unless several years are there.
 */
export function subsetsOf(files: readonly string[], pattern: RegExp): Subset[] {
  const names = files.flatMap((file) => pattern.exec(file)?.[1] ?? []);
  const short = (name: string): string => name.replace(/^(train|val|test|test-dev)20\d\d$/, '$1');
  const several = (split: string): boolean => names.filter((n) => short(n) === split).length > 1;
  return names
    .map((name) => ({ split: several(short(name)) ? name : short(name), name }))
    .sort((a, b) => rankOf(a.split) - rankOf(b.split));
}

/** The place of a split among others: train, val, test-dev, test, then what else there is. */
export function rankOf(split: string): number {
  const at = ORDER.indexOf(split);
  return at < 0 ? ORDER.length : at;
}
