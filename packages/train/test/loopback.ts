import type { Communicator } from '../src/communicator/communicator.js';

type Message = Float32Array | number[];

/** Ranks within one thread. */
export function loopback(size: number): Communicator[] {
  let values: Message[] = [];
  let waiting: ((all: Message[]) => void)[] = [];
  const exchange = (rank: number, mine: Message): Promise<Message[]> =>
    new Promise((resolve) => {
      values[rank] = mine.slice();
      waiting.push(resolve);
      if (waiting.length < size) return;
      const [all, everyone] = [values, waiting];
      [values, waiting] = [[], []];
      for (const wake of everyone) wake(all);
    });
  return Array.from({ length: size }, (_, rank): Communicator => {
    return {
      rank,
      size,
      async allReduce<T extends Message>(mine: T): Promise<T> {
        const all = await exchange(rank, mine);
        const sum = (_: number, i: number) => all.reduce((total, part) => total + part[i]!, 0);
        return (mine as number[]).map(sum) as T;
      },
      async broadcast<T extends Message>(mine: T, root = 0): Promise<T> {
        return (await exchange(rank, mine))[root]!.slice() as T;
      },
      async barrier(): Promise<void> {
        await exchange(rank, []);
      },
      async close(): Promise<void> {},
    };
  });
}
