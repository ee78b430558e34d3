import { ImglishError } from '../errors/errors.js';
import type { Dataset } from './examples.js';

/** An example that cannot be used. */
export interface BrokenExample {
  /** In its data set. */
  readonly index: number;
  readonly error: ImglishError;
}

export interface SoundExample<T> {
  /** Undefined where none was found. */
  readonly example: T | undefined;
  /** What was passed over to find it. */
  readonly broken: readonly BrokenExample[];
}

/**
 * The example at `index`, or where it is broken the next that is not, of at most `most` + 1; after the
 * last comes the first. So every index has an example, always the same. Rejects with errors that are
 * not of an example.
 */
export async function soundExample<T>(
  dataset: Pick<Dataset<T>, 'size' | 'get'>,
  index: number,
  most: number,
): Promise<SoundExample<T>> {
  const broken: BrokenExample[] = [];
  const tries = Math.min(dataset.size, most + 1);
  for (let i = 0; i < tries; i++) {
    const at = (index + i) % dataset.size;
    try {
      return { example: await dataset.get(at), broken };
    } catch (error) {
      if (!isExampleError(error)) throw error;
      broken.push({ index: at, error });
    }
  }
  return { example: undefined, broken };
}

/** A data set whose every example is a sound one: see `soundExample`; rejects with the last error. */
export function soundDataset<T>(dataset: Dataset<T>, most: number): Dataset<T> {
  return {
    ...dataset,
    async get(index: number): Promise<T> {
      const { example, broken } = await soundExample(dataset, index, most);
      if (example === undefined) throw broken.at(-1)!.error;
      return example;
    },
  };
}

/**
 * Whether an error says that one example cannot be used: `data/…` or `image/…`. Not a disk that fails,
 * an index that there is not, nor a package that is not installed.
 */
export function isExampleError(error: unknown): error is ImglishError {
  if (!ImglishError.isInstance(error)) return false;
  if (error.code === 'data/index' || needsPackage(error) || needsPackage(error.cause)) return false;
  return /^(data|image)\//.test(error.code);
}

function needsPackage(error: unknown): boolean {
  return ImglishError.isInstance(error) && error.code === 'image/needs-sharp';
}
