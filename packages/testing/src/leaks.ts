import { memory } from '@tensorflow/tfjs-core';

/**
 * Runs `fn` and throws unless it left as many tensors, buffers and bytes as it found. `fn` disposes
 * everything, its own results included.
 */
export function withoutLeaks<T>(fn: () => T): T {
  const before = memory();
  const result = fn();
  if (isPromise(result)) {
    return result.then((value) => {
      check(before);
      return value;
    }) as T;
  }
  check(before);
  return result;
}

function check(before: ReturnType<typeof memory>): void {
  const after = memory();
  const differences = (
    [
      ['tensors', 'numTensors'],
      ['buffers', 'numDataBuffers'],
      ['bytes', 'numBytes'],
    ] as const
  )
    .map(([unit, key]) => ({ unit, count: after[key] - before[key] }))
    .filter(({ count }) => count !== 0)
    .map(({ unit, count }) => `${count > 0 ? '+' : '−'}${Math.abs(count)} ${unit}`);
  if (differences.length > 0) throw new Error(`not as many as before: ${differences.join(', ')}`);
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
