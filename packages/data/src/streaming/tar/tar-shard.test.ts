import { bytesSource } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import {
  dot,
  joined,
  pairFiles,
  paxField,
  tarFile,
  tarOf,
  withChecksum,
} from '../../../test/make-tar.js';
import { tarEntries } from './tar-entries.js';
import { type TarShardOptions, tarShard } from './tar-shard.js';

const open = (bytes: Uint8Array, options: TarShardOptions = {}) =>
  tarShard(bytesSource(bytes, 'a.tar'), options);
const pathsOf = async (bytes: Uint8Array): Promise<string[]> => {
  const paths: string[] = [];
  for await (const { path } of tarEntries(bytesSource(bytes, 'a.tar'))) paths.push(path);
  return paths;
};
const LONG = `${'folder/'.repeat(30)}picture-${'x'.repeat(120)}-图`;

describe('tarShard', () => {
  it('groups files by the path up to the first dot', async () => {
    const shard = await open(
      tarOf(
        tarFile('./x', '', '5'),
        tarFile('./x/a.txt', ' one \n'),
        tarFile('./x/a.seg.png', 'not read'),
        tarFile('x/a.PNG', dot(10)),
        tarFile('__meta__', '{}'),
        tarFile('x/b.json', '{"caption": "two", "width": 2}'),
        tarFile('x/b.png', dot(20)),
        tarFile('.hidden', 'x'),
        tarFile('b.png', dot(30)),
        tarFile('b.json', '{"captions": ["three", "drei", 3]}'),
      ),
    );
    expect(shard).toMatchObject({ name: 'a.tar', size: 3 });
    expect(shard.damage).toBeUndefined();
    const [c, b, a] = [await shard.read(2), await shard.read(1), await shard.read(0)];
    expect(a).toMatchObject({ id: 'x/a', captions: ['one'], image: { width: 2, height: 2 } });
    expect(a.image.data).toEqual(new Uint8Array(12).fill(10));
    expect(b).toMatchObject({ id: 'x/b', captions: ['two'] });
    expect(b.image.data[0]).toBe(20);
    expect(c).toMatchObject({ id: 'b', captions: ['three', 'drei'] });
    await expect(shard.read(3)).rejects.toMatchObject({ code: 'data/index' });
  });

  it('decodes with the function it is given', async () => {
    const image = { width: 1, height: 1, data: new Uint8Array(3) };
    const shard = await open(tarOf(...pairFiles('a', 1)), { decode: () => image });
    expect((await shard.read(0)).image).toBe(image);
  });

  const long: Record<string, (content: Uint8Array) => Uint8Array[]> = {
    pax: (content) => [
      tarFile('pax', paxField('mtime', '1.5') + paxField('path', `${LONG}.png`), 'x'),
      tarFile('short', content),
    ],
    GNU: (content) => [
      tarFile('././@LongLink', 'a target', 'K'),
      tarFile('././@LongLink', `${LONG}.png\0`, 'L'),
      tarFile('short', content),
    ],
  };
  it.each(Object.keys(long))('reads long names of %s', async (kind) => {
    const files = long[kind]!(dot(7));
    const shard = await open(tarOf(...pairFiles('first', 1), ...files, ...pairFiles('last', 2)));
    expect(shard.size).toBe(3);
    // It has no caption, which is found only after its name is.
    await expect(shard.read(1)).rejects.toMatchObject({
      code: 'data/no-captions',
      expected: expect.stringContaining('folder/folder'),
    });
    expect((await shard.read(2)).id).toBe('last');
    expect(await pathsOf(tarOf(...files))).toEqual([`${LONG}.png`]);
  });

  it('reads the prefix of ustar, sizes in pax and in base 256', async () => {
    const big = tarFile('b.txt', 'x');
    big.set([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 124);
    const sized = tarFile('c.txt', 'hello');
    sized.set(new TextEncoder().encode('00000000000'), 124);
    const archive = tarOf(
      tarFile('a.txt', 'x', '0', 'deep/er'),
      withChecksum(big),
      tarFile('pax', paxField('size', '5'), 'x'),
      withChecksum(sized),
      tarFile('d.txt', 'x'),
    );
    expect(await pathsOf(archive)).toEqual(['deep/er/a.txt', 'b.txt', 'c.txt', 'd.txt']);
  });

  it('needs no empty blocks at the end, nor padding', async () => {
    const bytes = joined(pairFiles('a', 1));
    for (const end of [bytes.length, bytes.length - 500]) {
      const shard = await open(bytes.subarray(0, end));
      expect(shard.damage).toBeUndefined();
      expect((await shard.read(0)).captions).toEqual(['number 1']);
    }
  });

  it('keeps the whole records before a cut, wherever it is', async () => {
    const whole = tarOf(...[0, 1, 2].flatMap((i) => pairFiles(`r${i}`, i)));
    const each = joined(pairFiles('r0', 0)).length;
    for (let end = 512; end < 3 * each; end += 333) {
      const shard = await open(whole.subarray(0, end));
      if (shard.damage) expect(shard.damage.code).toBe('data/cut-tar');
      expect(shard.size).toBeLessThanOrEqual(Math.ceil(end / each));
      expect(shard.size).toBeGreaterThanOrEqual(Math.floor(end / each) - 1);
      for (let i = 0; i < Math.min(shard.size, Math.floor(end / each)); i++) {
        expect((await shard.read(i)).captions).toEqual([`number ${i}`]);
      }
    }
  });

  const bent = (at: number, value: number) => {
    const entry = tarFile('b.png', dot(1));
    entry[at] = value;
    return entry;
  };
  const sparse = tarFile('pax', paxField('GNU.sparse.major', '1'), 'x');
  const damaged: [string, string, Uint8Array][] = [
    ['a wrong checksum', 'checksum', bent(3, 120)],
    ['a checksum that is no number', 'number', bent(148, 120)],
    ['a size that is no number', 'number', withChecksum(bent(126, 57))],
    ['a size beyond all numbers', 'number', withChecksum(tarWithHugeSize())],
    ['an oversized header', 'at most', tarFile('x', new Uint8Array(2 ** 20 + 1), 'x')],
    ['a pax field of a wrong length', 'pax', tarFile('x', '99 path=a\n', 'x')],
    ['a pax size that is no number', 'pax size', tarFile('x', paxField('size', 'x'), 'x')],
    ['a sparse file', 'sparse', tarFile('x', 'x', 'S')],
    ['a sparse file of pax', 'sparse', sparse],
    ['bytes that are no archive', 'checksum', new Uint8Array(2048).fill(48)],
  ];
  it.each(damaged)('names the byte of %s', async (_, says, entry) => {
    const before = joined([...pairFiles('a', 1), ...pairFiles('b', 2)]);
    const shard = await open(joined([before, entry, ...pairFiles('c', 3)]));
    expect(shard.size).toBe(1);
    expect(shard.damage).toMatchObject({ code: 'data/bad-tar' });
    expect(shard.damage!.message).toContain(`a.tar, byte ${before.length}`);
    expect(shard.damage!.message).toContain(says);
  });

  const broken: [string, string, Uint8Array[]][] = [
    ['no picture', 'data/missing-image', [tarFile('a.txt', 'x')]],
    ['an empty picture', 'data/missing-image', [tarFile('a.txt', 'x'), tarFile('a.jpg', '')]],
    ['no caption', 'data/no-captions', [tarFile('a.png', dot(1))]],
    ['a blank caption', 'data/no-captions', [tarFile('a.png', dot(1)), tarFile('a.txt', ' \n')]],
    ['no caption in JSON', 'data/no-captions', [tarFile('a.png', dot(1)), tarFile('a.json', '{}')]],
    ['JSON that is none', 'data/bad-record', [tarFile('a.png', dot(1)), tarFile('a.json', '{')]],
    [
      'bytes that are no UTF-8',
      'data/bad-record',
      [tarFile('a.png', dot(1)), tarFile('a.txt', Uint8Array.of(0xff))],
    ],
    ['two pictures of a kind', 'data/bad-record', [1, 2].map((i) => tarFile('a.png', dot(i)))],
    ['a picture that is none', 'image/unsupported', [tarFile('a.png', 'x'), tarFile('a.txt', 'x')]],
  ];
  it.each(broken)('refuses a record with %s', async (_, code, files) => {
    const shard = await open(tarOf(...files, ...pairFiles('b', 2)));
    await expect(shard.read(0)).rejects.toMatchObject({ code });
    expect((await shard.read(1)).id).toBe('b');
  });

  it('refuses a record of more bytes than allowed', async () => {
    const shard = await open(tarOf(...pairFiles('a', 1)), { maxRecordBytes: 1000 });
    await expect(shard.read(0)).rejects.toMatchObject({ code: 'data/record-too-large' });
  });
});

function tarWithHugeSize(): Uint8Array {
  const entry = tarFile('b.png', 'x');
  entry.fill(0xff, 124, 136);
  return entry;
}
