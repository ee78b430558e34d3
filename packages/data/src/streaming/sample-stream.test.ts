import { DataError, draw, ImageError, IoError } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { type Sample, type SampleStreamOptions, sampleStream } from './sample-stream.js';
import type { Shard } from './shard.js';
import type { BrokenRecord } from './sound-records.js';

const broken = (name: string, record: number) =>
  new ImageError({ code: 'image/corrupt', where: 'decode', expected: `${name}`, got: `${record}` });

/** Shards whose records take a random time to read; `bad` ones cannot be read. */
function shardsOf(sizes: readonly number[], bad: readonly string[] = [], jitter = 0) {
  const live = { now: 0, most: 0 };
  const shards = sizes.map((size, i): Shard<string> => {
    const name = `shard-${i}.tar`;
    return {
      name,
      size,
      async read(record) {
        live.most = Math.max(live.most, ++live.now);
        const wait = jitter && draw(jitter, name, record).integer(4);
        for (let turn = 0; turn < wait; turn++) await new Promise((go) => setImmediate(go));
        live.now--;
        if (bad.includes(`${i}/${record}`)) throw broken(name, record);
        return `${i}/${record}`;
      },
    };
  });
  return { shards, live };
}

const SIZES = [6, 3, 0, 8];
const BASE = { seed: 7, window: 5 } as const;

async function take<T>(stream: AsyncIterable<Sample<T>>, count: number): Promise<Sample<T>[]> {
  const samples: Sample<T>[] = [];
  if (count === 0) return samples;
  for await (const sample of stream) {
    samples.push(sample);
    if (samples.length === count) break;
  }
  return samples;
}

const plain = (samples: readonly Sample<string>[]) =>
  samples.map(({ number, example }) => [number, example]);

const open = (options: Partial<SampleStreamOptions> = {}, bad: string[] = [], jitter = 0) =>
  sampleStream(shardsOf(SIZES, bad, jitter).shards, { ...BASE, ...options });

describe('sampleStream', () => {
  it('visits every record once in each epoch and then ends', async () => {
    const samples = await take(open({ epochs: 2 }), 1000);
    expect(samples.map(({ number }) => number)).toEqual(Array.from({ length: 34 }, (_, i) => i));
    for (const epoch of [samples.slice(0, 17), samples.slice(17)]) {
      expect(new Set(epoch.map(({ example }) => example)).size).toBe(17);
    }
  });

  it.each([1, 2, 3])(
    'gives %i ranks the samples of one, whatever runs at once',
    async (worldSize) => {
      const whole = plain(await take(open(), 60));
      for (const [ahead, jitter] of [
        [1, 0],
        [3, 1],
        [16, 2],
      ] as const) {
        const together = new Map<number, unknown>();
        for (let rank = 0; rank < worldSize; rank++) {
          const own = await take(open({ rank, worldSize, ahead }, [], jitter), 60 / worldSize);
          for (const [number, example] of plain(own)) together.set(number as number, example);
        }
        expect([...together].sort(([a], [b]) => a - b)).toEqual(whole);
      }
    },
  );

  it('goes on at any state as if it had not stopped, also with other ranks', async () => {
    const bad = ['0/2', '3/7', '3/6'];
    for (const worldSize of [1, 2, 3]) {
      for (const cut of [0, 1, 4, 13]) {
        for (let rank = 0; rank < worldSize; rank++) {
          const whole = await take(open({ rank, worldSize, maxBroken: 3 }, bad, 1), 20);
          const before = await take(open({ rank, worldSize, ahead: 4, maxBroken: 3 }, bad, 2), cut);
          const saved = before.at(-1)?.state;
          const state = saved && { state: JSON.parse(JSON.stringify(saved)) };
          const stream = open({ rank, worldSize, ahead: 2, maxBroken: 3, ...state }, bad, 3);
          expect([...before, ...(await take(stream, 20 - cut))]).toEqual(whole);
        }
      }
    }
    const whole = await take(open(), 30);
    const { state } = (await take(open({ rank: 1, worldSize: 3 }), 4)).at(-1)!;
    expect(state.position).toBe(12);
    expect(plain(await take(open({ state }), 18))).toEqual(plain(whole).slice(12));
  });

  it('refuses the state of other shards, another seed or window', async () => {
    const { state } = (await take(open(), 1))[0]!;
    const { shards } = shardsOf([6, 3, 0, 9]);
    for (const stream of [
      () => open({ state, seed: 8 }),
      () => open({ state, window: 6 }),
      () => sampleStream(shards, { ...BASE, state }),
    ]) {
      expect(stream).toThrow(expect.objectContaining({ code: 'data/other-stream' }));
    }
  });

  it('holds at most `ahead` samples, however slow the consumer is', async () => {
    for (const ahead of [1, 4]) {
      const { shards, live } = shardsOf([50], [], 5);
      let read = 0;
      const counted = shards.map((shard) => ({
        ...shard,
        read(record: number) {
          read++;
          return shard.read(record);
        },
      }));
      let taken = 0;
      for await (const _ of sampleStream(counted, { ...BASE, ahead, epochs: 1 })) {
        for (let turn = 0; turn < 10; turn++) await new Promise((go) => setImmediate(go));
        taken++;
        expect(read).toBeLessThanOrEqual(taken + ahead - 1);
      }
      expect(live.most).toBeLessThanOrEqual(ahead);
      expect(taken).toBe(50);
    }
  });

  it('passes over broken records, reports each once, and gives their places to the next', async () => {
    const met: BrokenRecord[] = [];
    const onBroken = (record: BrokenRecord) => met.push(record);
    const sound = plain(await take(open(), 34));
    const samples = plain(await take(open({ onBroken, maxBroken: 2 }, ['0/4', '3/7']), 34));
    const next: Record<string, string> = { '0/4': '0/5', '3/7': '0/0' };
    expect(samples).toEqual(sound.map(([number, at]) => [number, next[at as string] ?? at]));
    expect(met.map(({ shard, record, index }) => [shard, record, index]).sort()).toEqual([
      ['shard-0.tar', 4, 4],
      ['shard-3.tar', 7, 16],
    ]);
  });

  it('ends with an error beyond the limit, the same whatever runs at once', async () => {
    const bad = ['0/4', '3/7', '1/1'];
    const ends = [];
    for (const [ahead, jitter] of [
      [1, 0],
      [16, 1],
      [5, 2],
    ] as const) {
      const samples: unknown[] = [];
      try {
        for await (const { example } of open({ ahead, maxBroken: 2 }, bad, jitter)) {
          samples.push(example);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
        expect(error).toMatchObject({ code: 'data/too-many-broken' });
        samples.push((error as DataError).where);
      }
      ends.push(samples);
    }
    expect(ends[0]!.length).toBeGreaterThan(1);
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[2]).toEqual(ends[0]);
  });

  it('remembers broken records over a resume, and counts none twice', async () => {
    const bad = ['0/4', '1/1'];
    const whole = await take(open({ maxBroken: 2 }, bad), 100);
    expect(whole.at(-1)!.state.broken).toEqual([4, 7]);
    const { state } = whole[50]!;
    await expect(take(open({ maxBroken: 2, state }, bad), 50)).resolves.toHaveLength(50);
    await expect(take(open({ maxBroken: 2, state }, [...bad, '3/3']), 50)).rejects.toMatchObject({
      code: 'data/too-many-broken',
    });
  });

  it('refuses shards of nothing but broken records, and no shards', async () => {
    const every = ['0/0', '0/1', '0/2'];
    const { shards } = shardsOf([3], every);
    await expect(take(sampleStream(shards, BASE), 1)).rejects.toMatchObject({
      code: 'data/too-many-broken',
    });
    for (const none of [[], shardsOf([0, 0]).shards]) {
      expect(() => sampleStream(none, BASE)).toThrow(
        expect.objectContaining({ code: 'data/empty' }),
      );
    }
  });

  it('counts a damaged shard, and throws what is no fault of a record', async () => {
    const damage = new DataError({ code: 'data/bad-tar', where: 'x', expected: 'a', got: 'b' });
    const [shard] = shardsOf([4]).shards;
    const met: BrokenRecord[] = [];
    sampleStream([{ ...shard!, damage }], { ...BASE, onBroken: (record) => met.push(record) });
    expect(met).toMatchObject([{ shard: 'shard-0.tar', record: 4, index: undefined }]);
    expect(() => sampleStream([{ ...shard!, damage }], { ...BASE, maxBroken: 0 })).toThrow(
      expect.objectContaining({ code: 'data/too-many-broken' }),
    );
    const failing = {
      ...shard!,
      read: async () => {
        throw new IoError({ code: 'io/read', where: 'x', expected: 'a', got: 'b' });
      },
    };
    await expect(take(sampleStream([failing], BASE), 1)).rejects.toMatchObject({ code: 'io/read' });
  });

  it('refuses options that cannot be', () => {
    for (const options of [{ rank: 2, worldSize: 2 }, { worldSize: 0 }, { ahead: 0 }]) {
      expect(() => open(options)).toThrow(expect.objectContaining({ code: 'config/option' }));
    }
  });
});
