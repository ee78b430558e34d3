import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DataError, type Dataset } from '@imglish/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dot } from '../../../../test/make-tar.js';
import { arrayDataset } from '../../../dataset/dataset.js';
import type { EncodedPair } from '../../encoded-pair.js';
import { shardDataset } from '../../shard-dataset.js';
import { isShardName, openShards } from '../open-shards.js';
import {
  type ShardFormat,
  shardFormats,
  type WriteShardsOptions,
  writeShards,
} from './write-shards.js';

let root: string;
let folders = 0;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'written-'));
});
afterAll(() => rm(root, { recursive: true }));

const PAIRS: readonly EncodedPair[] = Array.from({ length: 7 }, (_, i) => ({
  id: `folder/图 ${i}.png`,
  image: dot(i, 40),
  captions: i % 2 ? [`number ${i}`] : [`number ${i}`, `die Zahl ${i}, "${i}"`],
}));

async function write(
  options: WriteShardsOptions = {},
  pairs: Dataset<EncodedPair> = arrayDataset(PAIRS),
) {
  const out = path.join(root, `${folders++}`);
  const written = await writeShards(out, pairs, options);
  return { out, written };
}

async function readBack(out: string) {
  const { shards, encoded, close } = await openShards([out]);
  const data = shardDataset(shards);
  const [stored, pairs] = [shardDataset(encoded), []] as [Dataset<EncodedPair>, EncodedPair[]];
  for (let i = 0; i < data.size; i++) {
    pairs.push(await stored.get(i));
    expect((await data.get(i)).image.data[0]).toBe(pairs[i]!.image === undefined ? 0 : i);
  }
  await close();
  return pairs.map((pair) => ({ ...pair, image: new Uint8Array(pair.image) }));
}

describe.each(shardFormats)('%s shards', (format: ShardFormat) => {
  it('hold ids, captions and the bytes of pictures, and list themselves', async () => {
    const { out, written } = await write({ format });
    expect(await readBack(out)).toEqual(PAIRS);
    expect(written).toMatchObject({ records: 7, broken: 0 });
    expect((await readdir(out)).sort()).toEqual([`00000.${format}`, 'index.json']);
    const { size } = await stat(path.join(out, `00000.${format}`));
    expect(written.shards).toEqual([{ file: `00000.${format}`, records: 7, bytes: size }]);
    expect(JSON.parse(await readFile(path.join(out, 'index.json'), 'utf8'))).toEqual({
      __kind__: 'wids-shard-index-v1',
      wids_version: 1,
      shardlist: [{ url: `00000.${format}`, nsamples: 7, filesize: size }],
    });
    expect(isShardName(out)).toBe(true);
    expect(isShardName(root)).toBe(false);
  });

  it('are of the same bytes each time, of the size that was asked for', async () => {
    const size = format === 'tar' ? 9000 : 4500;
    const runs = [await write({ format, size }), await write({ format, size })];
    const [files, again] = await Promise.all(
      runs.map(async ({ out }) => {
        const names = (await readdir(out)).sort();
        return Promise.all(names.map(async (name) => [name, await readFile(path.join(out, name))]));
      }),
    );
    expect(files!.length).toBeGreaterThan(2);
    expect(again).toEqual(files);
    const { shards } = runs[0]!.written;
    for (const { bytes } of shards) expect(bytes).toBeLessThanOrEqual(size);
    for (const { records } of shards.slice(0, -1)) expect(records).toBeGreaterThan(1);
    expect(shards.reduce((sum, { records }) => sum + records, 0)).toBe(7);
    expect(await readBack(runs[0]!.out)).toEqual(PAIRS);
  });

  it('say so where records that the index lists are missing', async () => {
    const { out } = await write({ format, size: 1 });
    const index = path.join(out, 'index.json');
    const text = await readFile(index, 'utf8');
    await writeFile(index, text.replace('"nsamples": 1', '"nsamples": 2'));
    const { shards, close } = await openShards([out]);
    expect(shards.map(({ damage }) => damage?.code)).toEqual([
      'data/missing-records',
      ...Array(6).fill(undefined),
    ]);
    await close();
  });
});

describe('writeShards', () => {
  const broken: Dataset<EncodedPair> = {
    size: 7,
    get: async (index) => {
      if (index !== 2 && index !== 4) return PAIRS[index]!;
      const [where, got] = [`record ${index}`, 'none'];
      throw new DataError({ code: 'data/missing-image', where, expected: 'a picture', got });
    },
  };

  it('leaves broken records out, up to a limit', async () => {
    const met: number[] = [];
    const onBroken = ({ index }: { index: number }) => met.push(index);
    const { out, written } = await write({ maxBroken: 2, onBroken }, broken);
    expect([written.records, written.broken, met]).toEqual([5, 2, [2, 4]]);
    const { shards, close } = await openShards([out]);
    expect(shards[0]!.size).toBe(5);
    await close();
    await expect(write({ maxBroken: 1 }, broken)).rejects.toMatchObject({
      code: 'data/too-many-broken',
    });
    await expect(write({}, broken)).rejects.toMatchObject({ code: 'data/missing-image' });
  });

  it('turns pictures of other forms into PNG', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"><rect width="2" height="2" fill="#0a0a0a"/></svg>';
    const image = new TextEncoder().encode(svg);
    const { out } = await write({}, arrayDataset([{ id: 'a', image, captions: ['dark'] }]));
    const { shards, close } = await openShards([out]);
    expect((await shards[0]!.read(0)).image.data[0]).toBe(10);
    await close();
  });

  it('leaves nothing where it fails or is stopped, and what was there before', async () => {
    const stop = new AbortController();
    const onProgress = (done: number) => done === 3 && stop.abort();
    const before = (await readdir(root)).sort();
    await expect(write({ signal: stop.signal, onProgress })).rejects.toThrow('aborted');
    await expect(write({}, broken)).rejects.toMatchObject({ code: 'data/missing-image' });
    await expect(write({}, arrayDataset<EncodedPair>([]))).rejects.toMatchObject({
      code: 'data/empty',
    });
    expect((await readdir(root)).sort()).toEqual(before);
    const { out } = await write();
    await expect(writeShards(out, arrayDataset(PAIRS))).rejects.toMatchObject({
      code: 'io/exists',
    });
    expect(await readBack(out)).toEqual(PAIRS);
    await expect(write({ size: 0 })).rejects.toMatchObject({ code: 'config/option' });
    await expect(write({ format: 'zip' as ShardFormat })).rejects.toMatchObject({
      code: 'config/option',
    });
  });
});
