import { describe, expect, it } from 'vitest';
import { readAhead } from './read-ahead.js';

/** Batches of three samples, of which two ranks take every other; rank 0 reads 0 1 2 6 7 8 12 13 14. */
const MINE = [0, 1, 2, 6, 7, 8, 12, 13, 14];
const OPTIONS = { samples: 4, stride: 2, batches: 6 };

function watched(fails: (number: number) => boolean = () => false) {
  const begun: number[] = [];
  const read = async (number: number): Promise<string> => {
    begun.push(number);
    if (fails(number)) throw new Error(`sample ${number}`);
    return `sample ${number}`;
  };
  return { begun, ask: readAhead(read, 3, OPTIONS) };
}

describe('readAhead', () => {
  it('reads what the rank will ask for, once each, so many ahead, and nothing beyond the run', async () => {
    const { begun, ask } = watched();
    for (const [at, number] of MINE.entries()) {
      expect(await ask(number)).toBe(`sample ${number}`);
      expect(begun).toEqual(MINE.slice(0, at + 1 + OPTIONS.samples));
    }
  });

  it('begins anew where it is asked for something else', async () => {
    const { begun, ask } = watched();
    await ask(0);
    expect(await ask(12)).toBe('sample 12');
    expect(begun).toEqual([0, 1, 2, 6, 7, 12, 13, 14]);
    expect(await ask(13)).toBe('sample 13');
    expect(begun).toHaveLength(8);
  });

  it('keeps an error for who asks for the sample', async () => {
    const { ask } = watched((number) => number === 2);
    expect(await ask(0)).toBe('sample 0');
    await new Promise((resolve) => setTimeout(resolve));
    expect(await ask(1)).toBe('sample 1');
    await expect(ask(2)).rejects.toThrow('sample 2');
    expect(await ask(6)).toBe('sample 6');
  });
});
