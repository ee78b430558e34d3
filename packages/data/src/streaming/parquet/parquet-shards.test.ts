import { bytesSource } from '@imglish/core';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { dot } from '../../../test/make-tar.js';
import { type ParquetShardsOptions, parquetShards } from './parquet-shards.js';

type Column = Parameters<typeof parquetWriteBuffer>[0]['columnData'][number];

const captions: Column = { name: 'TEXT', data: ['one', 'two', 'three'], type: 'STRING' };
const pictures: Column = {
  name: 'jpg',
  data: [1, 2, 3].map((red) => dot(red)),
  type: 'BYTE_ARRAY',
};
const urls: Column = { name: 'URL', data: ['u/1', 'u/2', 'u/3'], type: 'STRING' };
const ids: Column = { name: 'key', data: ['a', 'b', 'c'], type: 'STRING' };

const write = (...columnData: Column[]) =>
  new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 2 }));
const open = (bytes: Uint8Array, options: ParquetShardsOptions = {}) =>
  parquetShards(bytesSource(bytes, 'a.parquet'), options);

describe('parquetShards', () => {
  it('makes a shard of each row group', async () => {
    const shards = await open(write(captions, pictures, ids));
    expect(shards.map(({ name, size }) => [name, size])).toEqual([
      ['a.parquet, row group 0', 2],
      ['a.parquet, row group 1', 1],
    ]);
    const [b, c, a] = [
      await shards[0]!.read(1),
      await shards[1]!.read(0),
      await shards[0]!.read(0),
    ];
    expect(a).toMatchObject({ id: 'a', captions: ['one'], image: { width: 2, height: 2 } });
    expect(b).toMatchObject({ id: 'b', captions: ['two'] });
    expect(c).toMatchObject({ id: 'c', captions: ['three'] });
    expect([a, b, c].map(({ image }) => image.data[0])).toEqual([1, 2, 3]);
    await expect(shards[1]!.read(1)).rejects.toMatchObject({ code: 'data/index' });
  });

  it('numbers rows that have no id, and fetches pictures if it is told how', async () => {
    const fetched: string[] = [];
    const fetchImage = async (url: string) => {
      fetched.push(url);
      return dot(9);
    };
    const shards = await open(write(captions, urls), { fetchImage });
    expect(await shards[1]!.read(0)).toMatchObject({ id: 'a.parquet#2', captions: ['three'] });
    expect(fetched).toEqual(['u/3']);
    await expect(open(write(captions, urls))).rejects.toMatchObject({
      code: 'data/bad-columns',
      fix: expect.stringContaining('fetchImage'),
    });
  });

  it('gives the same rows with room for a single row group', async () => {
    const bytes = write(captions, pictures);
    const [roomy, tight] = [await open(bytes), await open(bytes, { keepBytes: 400 })];
    for (const [shard, record] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 0],
    ] as const) {
      expect(await tight[shard]!.read(record)).toEqual(await roomy[shard]!.read(record));
    }
    await expect(open(bytes, { keepBytes: 10 })).rejects.toMatchObject({
      code: 'data/row-group-too-large',
    });
  });

  it('refuses records without a picture or a caption, and reads the others', async () => {
    const [shard] = await open(
      write({ ...captions, data: ['one', ' '] }, { ...pictures, data: [new Uint8Array(), dot(2)] }),
    );
    await expect(shard!.read(0)).rejects.toMatchObject({ code: 'data/missing-image' });
    await expect(shard!.read(1)).rejects.toMatchObject({
      code: 'data/no-captions',
      where: 'a.parquet, row group 0, row 1',
    });
  });

  it('refuses files that are none, or have other columns', async () => {
    const whole = write(captions, pictures);
    for (const bytes of [new Uint8Array(100), whole.subarray(0, 60), whole.subarray(4)]) {
      const opened = open(bytes).then(([shard]) => shard!.read(0));
      await expect(opened).rejects.toMatchObject({ code: 'data/bad-parquet' });
    }
    await expect(open(write(captions, ids))).rejects.toMatchObject({ code: 'data/bad-columns' });
    await expect(open(write(pictures))).rejects.toMatchObject({ code: 'data/bad-columns' });
  });
});
