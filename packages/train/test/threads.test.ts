import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { bundle } from '@imglish/testing/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { threadGroup } from '../src/node.js';
import type { RankJob, RankResult } from './rank.js';

let folder: string;
let script: string;
let remove: () => void;

beforeAll(async () => {
  ({ folder, script, remove } = await bundle(import.meta.url, 'rank'));
});

afterAll(() => remove());

type Job = Partial<RankJob> & { pieces: number };

/** Runs the ranks in workers; what each of them returned, or why it failed. */
function ranks(jobs: readonly Job[]): Promise<PromiseSettledResult<RankResult>[]> {
  const group = threadGroup(jobs.length);
  const workers = jobs.map((job, rank) => {
    const worker = new Worker(script, { workerData: { group, rank, steps: 8, ...job } });
    return new Promise<RankResult>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`ended without a result: ${code}`)));
    });
  });
  return Promise.allSettled(workers);
}

async function results(jobs: readonly Job[]): Promise<RankResult[]> {
  return (await ranks(jobs)).map((settled) => {
    if (settled.status === 'rejected') throw settled.reason;
    return settled.value;
  });
}

describe('threads', () => {
  it('gives with two ranks what one gives with the doubled batch', async () => {
    const [[one], [first, second]] = [
      await results([{ pieces: 2 }]),
      await results([{ pieces: 1 }, { pieces: 1 }]),
    ];
    expect(first!.metrics).toHaveLength(8);
    expect(second!.metrics).toEqual(first!.metrics);
    expect(second!.values).toEqual(first!.values);
    one!.metrics.forEach((expected, i) => {
      const actual = first!.metrics[i]!;
      expect(actual.counts).toEqual(expected.counts);
      expect(actual.samples).toBe(2);
      const tolerance = 1e-5 * Math.max(1, expected.total);
      expect(Math.abs(actual.total - expected.total)).toBeLessThan(tolerance);
      expect(actual.gradientNorm / expected.gradientNorm).toBeCloseTo(1, 4);
    });
  });

  it('stops all ranks when one is told to, and goes on to the same bits', async () => {
    const whole = await results([{ pieces: 1 }, { pieces: 1 }]);
    const dir = join(folder, 'run');
    const interrupted = await results([
      { pieces: 1, folder: dir },
      { pieces: 1, stopAfter: 3 },
    ]);
    expect(interrupted.map(({ metrics, stopped }) => [metrics.length, stopped])).toEqual([
      [3, true],
      [3, true],
    ]);
    const resumed = await results([{ pieces: 1, folder: dir }, { pieces: 1 }]);
    resumed.forEach(({ metrics, values }, rank) => {
      expect(metrics).toEqual(whole[rank]!.metrics.slice(3));
      expect(values).toEqual(whole[rank]!.values);
    });
  });

  it('ends on all ranks when one fails', async () => {
    const [first, second] = await ranks([{ pieces: 1 }, { pieces: 1, failAt: 7 }]);
    expect(second).toMatchObject({ status: 'rejected', reason: { message: 'no such batch' } });
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'train/rank-left' } });
  });
});
