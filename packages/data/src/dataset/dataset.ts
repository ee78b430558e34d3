import { ConfigError, DataError, type Dataset, endsOf, firstAbove } from '@imglish/core';

/** A data set of items that are already in memory. */
export function arrayDataset<T>(items: readonly T[]): Dataset<T> {
  return {
    size: items.length,
    async get(index: number): Promise<T> {
      checkIndex('arrayDataset.get', index, items.length);
      return items[index]!;
    },
  };
}

/**
 * Example `i` is `f(dataset.get(i), i)`, computed when it is asked for.
 *
 * `f` must depend on nothing but its arguments, or the result is no longer the same each time;
 * what it draws at random, it draws from `draw(seed, purpose, epoch, index)`.
 */
export function mapDataset<T, U>(
  dataset: Dataset<T>,
  f: (example: T, index: number) => U | Promise<U>,
): Dataset<U> {
  const { size, parts } = dataset;
  return {
    size,
    ...(parts && { parts }),
    get: async (index: number): Promise<U> => f(await dataset.get(index), index),
  };
}

/** The examples of `dataset` at `indices`, in that order; an index may occur more than once. */
export function subset<T>(dataset: Dataset<T>, indices: ArrayLike<number>): Dataset<T> {
  const chosen = Array.from(indices);
  for (const index of chosen) checkIndex('subset', index, dataset.size);
  return {
    size: chosen.length,
    async get(index: number): Promise<T> {
      checkIndex('subset.get', index, chosen.length);
      return dataset.get(chosen[index]!);
    },
  };
}

/** Neighbours of a data set without parts that stay together beside one that has parts. */
const PIECE = 256;

/**
 * All examples of the first data set, then all of the second, and so on. Where one has parts, so has
 * the whole; those without are taken in pieces, so that the others come between.
 */
export function concatDatasets<T>(...datasets: readonly Dataset<T>[]): Dataset<T> {
  const ends = endsOf(datasets.map((dataset) => dataset.size));
  const size = ends.at(-1) ?? 0;
  const hasParts = datasets.some(({ parts }) => parts);
  return {
    size,
    ...(hasParts && { parts: datasets.flatMap(({ parts, size }) => parts ?? piecesOf(size)) }),
    async get(index: number): Promise<T> {
      checkIndex('concatDatasets.get', index, size);
      const which = firstAbove(ends, index);
      const dataset = datasets[which]!;
      return dataset.get(index - (ends[which]! - dataset.size));
    },
  };
}

function piecesOf(size: number): number[] {
  const count = Math.ceil(size / PIECE);
  return Array.from({ length: count }, (_, i) => Math.min(PIECE, size - i * PIECE));
}

/** Every example in order: for small data sets, tests and evaluation. */
export async function* examplesOf<T>(dataset: Dataset<T>): AsyncGenerator<T> {
  for (let index = 0; index < dataset.size; index++) yield dataset.get(index);
}

/** Throws a `DataError` (`data/index`) unless `index` is one of 0 … size-1. */
export function checkIndex(where: string, index: number, size: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new DataError({
      code: 'data/index',
      where,
      expected:
        size === 0 ? 'no index at all: the data set is empty' : `an index of 0 … ${size - 1}`,
      got: String(index),
    });
  }
}

/** Throws a `ConfigError` (`config/option`) unless `value` is a whole number of at least `least`. */
export function checkCount(where: string, name: string, value: number, least = 0): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new ConfigError({
      code: 'config/option',
      where,
      expected: `${name} to be a whole number of at least ${least}`,
      got: String(value),
    });
  }
}
