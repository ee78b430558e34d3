import { bundle, hasMpirun, type Launched, mpirun } from '@imglish/testing/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe.skipIf(!hasMpirun())('a communicator over Open MPI (skipped without mpirun)', () => {
  let script: string;
  let remove: () => void;

  beforeAll(async () => {
    ({ script, remove } = await bundle(import.meta.url, 'calls', ['koffi']));
  });
  afterAll(() => remove());

  const run = (ranks: number, name: string): Promise<Launched> => mpirun(ranks, [script, name]);

  /** What each rank said, in the order of the ranks. */
  function said({ out }: Launched): unknown[][] {
    const results: unknown[][] = [];
    for (const line of out.trim().split('\n')) {
      if (!line.startsWith('{')) continue;
      const { rank, result } = JSON.parse(line);
      results[rank] = [...(results[rank] ?? []), result];
    }
    return results;
  }

  it.each([2, 3])('adds up in the order of %i ranks, broadcasts and waits', async (size) => {
    const launched = await run(size, 'calls');
    expect(launched.code, launched.err).toBe(0);
    const numbers = Array.from({ length: size }, () => [0.1, 2 ** 53]);
    const [tenths, large] = numbers.reduce(([a, b], [x, y]) => [a! + x!, b! + y!]);
    const expected = {
      size,
      threads: expect.any(Number),
      sums: [true, true, true, true, true],
      kept: true,
      numbers: [tenths, (size * (size - 1)) / 2, large],
      both: [size - 1, 0.1],
      broadcast: true,
    };
    const each = [expected, 'train/rank-left', 'train/mpi-once'];
    expect(said(launched)).toEqual(Array.from({ length: size }, () => each));
  });

  it('names the rank that makes another call', async () => {
    const launched = await run(2, 'mismatch');
    const each = [['train/rank-mismatch', 'another one on rank 1 than on rank 0']];
    expect(said(launched)).toEqual([each, each]);
    expect(launched.code).toBe(0);
  });

  it('tells those who wait for a rank that has left', async () => {
    const launched = await run(3, 'leaving');
    const each = [['train/rank-left', 'rank 1 gone']];
    expect([0, 2].map((rank) => said(launched)[rank])).toEqual([each, each]);
    expect(launched.code).toBe(0);
  });

  it('ends all ranks with the message of one', async () => {
    const { code, out, err } = await run(3, 'abort');
    expect(code).not.toBe(0);
    expect(err.match(/^rank 1: no such picture$/gm)).toHaveLength(1);
    expect(out).not.toContain('went on');
  });

  it('ends all ranks when one is gone without a word', async () => {
    const { code, out } = await run(2, 'exit');
    expect(code).not.toBe(0);
    expect(out).not.toContain('went on');
  });

  it('leaves the event loop its turns while it waits', async () => {
    expect(said(await run(2, 'turns'))).toEqual([[true], [true]]);
  });
});
