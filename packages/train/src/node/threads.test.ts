import { ConfigError } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import type { Communicator } from '../communicator/communicator.js';
import { threadCommunicator, threadGroup } from './threads.js';

// The ranks of these tests are tasks of one thread: nothing in a communicator blocks.
function together<T>(
  size: number,
  act: (communicator: Communicator) => Promise<T>,
  slotBytes?: number,
): Promise<T[]> {
  const group = threadGroup(size, slotBytes);
  return Promise.all(
    Array.from({ length: size }, (_, rank) => act(threadCommunicator(group, rank))),
  );
}

describe('threadCommunicator', () => {
  it('adds up in the order of the ranks, in pieces', async () => {
    // In float32, (1e8 + 1) − 1e8 is 0; in another order it would be 1.
    const mine = [1e8, 1, -1e8];
    const sums = await together(
      3,
      ({ rank, allReduce }) => allReduce(new Float32Array([mine[rank]!, rank, 0.5, 4, 5])),
      8,
    );
    for (const sum of sums) expect([...sum]).toEqual([0, 3, 1.5, 12, 15]);
  });

  it('adds up plain numbers in float64', async () => {
    const sums = await together(2, ({ rank, allReduce }) => allReduce([2 ** 40 + rank, 0.1]));
    for (const sum of sums) expect(sum).toEqual([2 ** 41 + 1, 0.2]);
  });

  it('broadcasts from any rank', async () => {
    const received = await together(3, async ({ rank, broadcast }) => [
      ...(await broadcast(new Float32Array([rank, 7]), 2)),
      ...(await broadcast([rank + 0.1])),
      ...(await broadcast([])),
    ]);
    for (const values of received) expect(values).toEqual([2, 7, 0.1]);
  });

  it('meets at barriers', async () => {
    const order: string[] = [];
    await together(2, async ({ rank, barrier }) => {
      if (rank === 1) await new Promise((resolve) => setTimeout(resolve, 30));
      order.push(`before ${rank}`);
      await barrier();
      order.push(`after ${rank}`);
    });
    expect(order.slice(0, 2)).toEqual(['before 0', 'before 1']);
  });

  it('notices a rank that has left', async () => {
    const group = threadGroup(3);
    const waiting = [0, 1].map((rank) => threadCommunicator(group, rank).barrier());
    await threadCommunicator(group, 2).close();
    for (const call of waiting) {
      await expect(call).rejects.toMatchObject({ code: 'train/rank-left', got: 'rank 2 gone' });
    }
    await expect(threadCommunicator(group, 0).barrier()).rejects.toThrow('rank 2');
  });

  it('notices ranks that do not do the same', async () => {
    const codes = await together(2, ({ rank, allReduce }) => {
      return allReduce(rank === 0 ? [1, 2] : [1]).catch((error) => error.code);
    });
    expect(codes).toEqual(['train/rank-mismatch', 'train/rank-mismatch']);
  });

  it('refuses groups and ranks that cannot be', () => {
    expect(() => threadGroup(0)).toThrow(ConfigError);
    expect(() => threadGroup(2, 12)).toThrow(/multiple of 8/);
    expect(() => threadCommunicator(threadGroup(2), 2)).toThrow(/0 to 1/);
  });
});
