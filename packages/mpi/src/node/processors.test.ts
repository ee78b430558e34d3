import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ownProcessors, processorShare } from './processors.js';

const setOf = (...processors: number[]): Uint8Array => {
  const set = new Uint8Array(2);
  for (const processor of processors) set[processor >> 3]! |= 1 << (processor & 7);
  return set;
};

describe('processorShare', () => {
  it('gives one thread to each of many ranks', () => {
    const all = Array.from({ length: 3 }, () => setOf(0, 1));
    expect(processorShare(all[0]!, all)).toBe(1);
  });

  it('gives a rank that is bound its own processor', () => {
    expect(processorShare(setOf(9), [setOf(8), setOf(9)])).toBe(1);
  });

  it('gives a rank that is alone what there is', () => {
    const own = ownProcessors();
    expect(processorShare(own, [own])).toBe(availableParallelism());
  });

  it.skipIf(availableParallelism() < 2)('shares what ranks have in common', () => {
    const own = setOf(0, 1, 2, 3);
    expect(processorShare(own, [own, own])).toBe(2);
    expect(processorShare(setOf(0, 1, 2), [setOf(0, 1, 2), setOf(2, 3)])).toBe(2);
  });
});
