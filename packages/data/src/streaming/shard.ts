import type { DataError, Dataset } from '@imglish/core';

/** A file, or a part of one, whose records can be read in any order. */
export interface Shard<T> {
  /** For messages. */
  readonly name: string;
  /** Records that can be found in it. */
  readonly size: number;
  /** Record 0 … size-1; a record that cannot be used rejects with a `DataError` or `ImageError`. */
  read(record: number): Promise<T>;
  /** Why records after the last are lost, where the shard is cut or damaged. */
  readonly damage?: DataError;
}

/** A data set as one shard, such as a folder of captioned images. */
export function datasetShard<T>(name: string, dataset: Dataset<T>): Shard<T> {
  return { name, size: dataset.size, read: (record) => dataset.get(record) };
}

/** `f` of every record, computed when it is read. */
export function mapShard<T, U>(
  { read, ...rest }: Shard<T>,
  f: (example: T, record: number) => U | Promise<U>,
): Shard<U> {
  return { ...rest, read: async (record) => f(await read(record), record) };
}
