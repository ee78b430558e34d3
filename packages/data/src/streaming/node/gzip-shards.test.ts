import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joined, pairFiles, tarOf } from '../../../test/make-tar.js';
import type { Shard } from '../shard.js';
import { openShards } from './open-shards.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'gzip-'));
});
afterAll(() => rm(root, { recursive: true }));

const archive = (from: number) => [0, 1, 2].flatMap((i) => pairFiles(`r${from + i}`, from + i));
const idsOf = (shard: Shard<{ id: string }>) =>
  Promise.all(Array.from({ length: shard.size }, async (_, i) => (await shard.read(i)).id));

async function open(files: Record<string, Uint8Array>, keepBytes?: number) {
  const names = Object.keys(files).map((name) => path.join(root, name));
  for (const [i, bytes] of Object.values(files).entries()) await writeFile(names[i]!, bytes);
  return openShards(names, keepBytes === undefined ? {} : { keepBytes });
}

describe('gzip shards', () => {
  it('are read as what they hold, several members and .tgz too', async () => {
    const whole = tarOf(...archive(3));
    const members = joined([gzipSync(whole.subarray(0, 900)), gzipSync(whole.subarray(900))]);
    const { shards, close } = await open({
      'a.tar.gz': gzipSync(tarOf(...archive(0))),
      'b.tgz': members,
    });
    expect(shards.map(({ damage }) => damage)).toEqual([undefined, undefined]);
    expect(await idsOf(shards[0]!)).toEqual(['r0', 'r1', 'r2']);
    expect(await idsOf(shards[1]!)).toEqual(['r3', 'r4', 'r5']);
    expect((await shards[1]!.read(2)).image.data[0]).toBe(5);
    await close();
  });

  it('are the same with room for one of them, and refused with less', async () => {
    const files = {
      'a.tar.gz': gzipSync(tarOf(...archive(0))),
      'b.tar.gz': gzipSync(tarOf(...archive(3))),
    };
    const size = tarOf(...archive(0)).length;
    const { shards, close } = await open(files, size);
    for (const [shard, record, id] of [
      [0, 1, 'r1'],
      [1, 2, 'r5'],
      [0, 0, 'r0'],
    ] as const) {
      expect((await shards[shard]!.read(record)).id).toBe(id);
    }
    await close();
    await expect(open(files, size - 1)).rejects.toMatchObject({ code: 'data/shard-too-large' });
  });

  it('keep the whole records before a cut or a damage, and say what is wrong', async () => {
    const records = [0, 1, 2, 3, 4].map((i) => joined(pairFiles(`r${i}`, i)));
    // Stored, not deflated: a place in the file is one in the archive.
    const packed = gzipSync(tarOf(...records), { level: 0 });
    const bent = packed.slice();
    bent.fill(255, bent.length - 300, bent.length - 200);
    const { shards, close } = await open({
      'cut.tar.gz': packed.subarray(0, joined(records.slice(0, 4)).length - 300),
      'bent.tar.gz': bent,
    });
    for (const shard of shards) expect(shard.damage).toMatchObject({ code: 'data/bad-gzip' });
    expect(await idsOf(shards[0]!)).toEqual(['r0', 'r1', 'r2']);
    await close();
  });
});
