import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dot, pairFiles, tarFile, tarOf } from '../../../test/make-tar.js';
import { sampleStream } from '../sample-stream.js';
import { shardDataset } from '../shard-dataset.js';
import type { BrokenRecord } from '../sound-records.js';
import { imageDecoder } from './image-decoder.js';
import { openShards } from './open-shards.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'shards-'));
  const shard = (from: number) => [0, 1, 2].flatMap((i) => pairFiles(`r${from + i}`, from + i));
  await writeFile(path.join(root, '00.tar'), tarOf(...shard(0)));
  await writeFile(path.join(root, '01.tar'), tarOf(...shard(3), tarFile('bad.txt', 'x')));
  await writeFile(path.join(root, 'cut.tar'), tarOf(...shard(6)).subarray(0, -2000));
  await mkdir(path.join(root, 'folder'));
  await writeFile(path.join(root, 'folder', 'a.png'), dot(99));
  await writeFile(path.join(root, 'folder', 'captions.txt'), 'a.png\tnumber 99');
});
afterAll(() => rm(root, { recursive: true }));
const at = (name: string) => path.join(root, name);

describe('openShards', () => {
  it('gives the same stream through any number of threads', async () => {
    const runs: unknown[] = [];
    for (const threads of [0, 1, 2]) {
      const decoder = threads > 0 ? imageDecoder({ threads }) : undefined;
      const names = [at('{00..01}.tar'), at('cut.tar')];
      const { shards, close } = await openShards(names, decoder && { decode: decoder.decode });
      const met: BrokenRecord[] = [];
      const stream = sampleStream(shards, {
        ...{ seed: 3, window: 4, epochs: 2, ahead: 6 },
        onBroken: (broken) => met.push(broken),
      });
      const samples: unknown[] = [];
      for await (const sample of stream) samples.push(sample);
      runs.push({ samples, met: met.map(({ shard, record }) => [shard, record]) });
      await decoder?.close();
      await close();
    }
    expect(runs[0]).toMatchObject({
      met: [
        [at('cut.tar'), 2],
        [at('01.tar'), 3],
      ],
    });
    expect((runs[0] as { samples: unknown[] }).samples).toHaveLength(18);
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  it('is a data set for training by index, each shard a part', async () => {
    const { shards, close } = await openShards([at('01.tar'), at('00.tar')]);
    const data = shardDataset(shards);
    expect([data.size, data.parts]).toEqual([7, [4, 3]]);
    expect((await data.get(4)).id).toBe('r0');
    await expect(data.get(3)).rejects.toMatchObject({ code: 'data/missing-image' });
    await expect(data.get(7)).rejects.toMatchObject({ code: 'data/index' });
    await close();
  });

  it('names the record whose picture cannot be decoded', async () => {
    await writeFile(at('svg.tar'), tarOf(tarFile('a.png', 'no picture'), tarFile('a.txt', 'x')));
    const { shards, close } = await openShards([at('svg.tar')]);
    await expect(shards[0]!.read(0)).rejects.toMatchObject({
      code: 'image/unsupported',
      where: `${at('svg.tar')}, record 0`,
    });
    await close();
  });

  it('refuses what it cannot open, and closes the rest', async () => {
    const codes: [string, string][] = [
      ['none.tar', 'io/not-found'],
      ['folder/captions.txt', 'data/no-format'],
      ['{0..', 'config/shard-pattern'],
    ];
    for (const [name, code] of codes) {
      await expect(openShards([at('00.tar'), at(name)])).rejects.toMatchObject({ code });
    }
  });
});

describe('imageDecoder', () => {
  it('resizes, keeps the order, and goes on after pictures that are none', async () => {
    const decoder = imageDecoder({ threads: 2, size: [3, 5] });
    const decoded = [1, 2, 3, 4, 5].map((red) => decoder.decode(dot(red)));
    const bad = decoder.decode(new Uint8Array(8));
    await expect(bad).rejects.toMatchObject({ code: 'image/unsupported' });
    const images = await Promise.all(decoded);
    expect(images[0]).toMatchObject({ width: 5, height: 3 });
    expect(images.map(({ data }) => data[0])).toEqual([1, 2, 3, 4, 5]);
    expect((await decoder.decode(dot(6))).data[44]).toBe(6);
    await decoder.close();
    await expect(decoder.decode(dot(1))).rejects.toMatchObject({ code: 'data/decoder' });
  });

  it('rejects what is under way when it is closed', async () => {
    const decoder = imageDecoder({ threads: 1 });
    const waiting = [1, 2, 3].map((red) => decoder.decode(dot(red, 64)));
    const outcomes = Promise.allSettled(waiting);
    await decoder.close();
    const codes = (await outcomes).map((outcome) =>
      outcome.status === 'rejected' ? outcome.reason.code : 'done',
    );
    expect(codes.slice(1)).toEqual(['data/decoder', 'data/decoder']);
  });
});
