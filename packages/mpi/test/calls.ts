/** One rank that makes the calls of a communicator and prints what it got: `node calls.mjs CASE`. */
import { TrainError } from '@imglish/core';
import { openMpi } from '../src/node.js';

/** The values of a rank, of very different sizes, so that another order of sums has other bits. */
function valuesOf(rank: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(1 + i + rank) * 10 ** ((i + rank) % 7));
}

/** ((rank 0 + rank 1) + rank 2) + … */
function expectedSum(size: number, length: number): Float32Array {
  const sum = valuesOf(0, length);
  for (let rank = 1; rank < size; rank++) {
    const values = valuesOf(rank, length);
    for (let i = 0; i < length; i++) sum[i]! += values[i]!;
  }
  return sum;
}

const same = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

/** Elements that are longer than what travels at once. */
const LONG = 1003;

const ranks = await openMpi({ bufferBytes: 1024 });
const { rank, size } = ranks;
const say = (result: unknown): void => console.log(JSON.stringify({ rank, result }));

const cases: Record<string, () => Promise<void>> = {
  async calls() {
    const sums: boolean[] = [];
    // Shorter than the ranks, not divisible by them, and longer than what travels at once.
    for (const length of [0, 1, 5, 33, LONG]) {
      sums.push(same(await ranks.allReduce(valuesOf(rank, length)), expectedSum(size, length)));
    }
    const given = valuesOf(rank, 3);
    await ranks.allReduce(given);
    // Begun at once, they are made in this order.
    const [numbers, both] = await Promise.all([
      ranks.allReduce([0.1, rank, 2 ** 53]),
      ranks.broadcast([rank, 0.1], size - 1),
    ]);
    const large = await ranks.broadcast(valuesOf(rank, LONG));
    await ranks.barrier();
    const broadcast = same(large, valuesOf(0, LONG));
    const kept = same(given, valuesOf(rank, 3));
    say({ size, threads: ranks.threads, sums, kept, numbers, both, broadcast });
    await ranks.close();
    await ranks.close();
    say(await ranks.barrier().catch((error) => error.code));
    say(await openMpi().catch((error) => error.code));
  },
  async mismatch() {
    const error = await ranks.allReduce(rank === 1 ? [1, 2] : [1]).catch((error) => error);
    say(TrainError.isInstance(error) && [error.code, error.got]);
    await ranks.close();
  },
  async leaving() {
    await ranks.barrier();
    if (rank !== 1) say(await ranks.barrier().catch((error) => [error.code, error.got]));
    await ranks.close();
  },
  async abort() {
    await ranks.barrier();
    if (rank === 1) ranks.abort('rank 1: no such picture');
    await ranks.barrier();
    say('went on');
  },
  async exit() {
    await ranks.barrier();
    if (rank === 1) process.exit(7);
    await ranks.barrier();
    say('went on');
  },
  async turns() {
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    // The others wait for rank 1, and their event loop goes on.
    if (rank === 1) await new Promise((resolve) => setTimeout(resolve, 300));
    await ranks.barrier();
    clearInterval(timer);
    say(turns > 2);
    await ranks.close();
  },
};

await cases[process.argv[2]!]!();
