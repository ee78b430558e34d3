import { describe, expect, it } from 'vitest';
import { contents, goldenSource, sparseSource } from '../../test/checkpoint/fixtures.js';
import { pickleOf } from '../../test/checkpoint/pickles.js';
import { bytesSink, bytesSource } from '../bytes/bytes.js';
import { InertObject } from './pickle.js';
import { openSafetensors } from './safetensors.js';
import { tensorEntry } from './tensor-file.js';
import { openTorch } from './torch-reader.js';
import { writeTorch } from './torch-writer.js';
import { readZipDirectory, zipDataOffset } from './zip-reader.js';
import { zipWriter } from './zip-writer.js';

describe('openTorch', () => {
  it.each(['pth_variants.pth', 'pth_variants_legacy.pth'])('reads %s', async (name) => {
    const file = await openTorch(goldenSource(`weights/${name}`));
    const expected = await openSafetensors(
      goldenSource('weights/pth_variants_expected.safetensors'),
    );
    expect(await contents(file)).toEqual(await contents(expected));
    const root = file.root as Map<string, unknown>;
    expect(root.get('epoch')).toBe(3);
    expect(root.get('best')).toBeNull();
    const args = root.get('args') as InertObject;
    expect(args).toBeInstanceOf(InertObject);
    expect(args.className).toBe('argparse.Namespace');
    expect(args.state).toEqual(
      new Map<string, unknown>([
        ['lr', 0.001],
        ['name', 'x'],
      ]),
    );
  });

  it.each(['captioning', 'classification', 'nlvr2', 'retrieval', 'vqa'])(
    'reads the weights of %s as safetensors has them',
    async (head) => {
      const torch = await openTorch(goldenSource(`weights/${head}.pth`));
      const safe = await openSafetensors(goldenSource(`weights/${head}.safetensors`));
      expect(await contents(torch)).toEqual(await contents(safe));
    },
  );

  const archive = async (...names: string[]): Promise<Uint8Array> => {
    const sink = bytesSink();
    const zip = zipWriter(sink);
    for (const name of names) await zip.add(name, pickleOf(0x80, 2, '}.'));
    await zip.finish();
    await sink.close();
    return sink.bytes();
  };

  it('refuses other archives, programs, big-endian and compressed files', async () => {
    const open = async (bytes: Uint8Array) => openTorch(bytesSource(bytes));
    const code = (value: string) => ({ code: `checkpoint/${value}` });
    await expect(open(await archive('x/hello.txt'))).rejects.toMatchObject(code('format'));
    await expect(open(await archive('x/data.pkl', 'y/data.pkl'))).rejects.toMatchObject(
      code('format'),
    );
    const program = await archive('x/data.pkl', 'x/constants.pkl');
    await expect(open(program)).rejects.toThrow(/TorchScript/);
    const order = await archive('x/data.pkl', 'x/byteorder');
    await expect(open(order)).rejects.toMatchObject(code('byte-order'));

    const plain = await archive('x/data.pkl');
    expect((await open(plain)).tensors.size).toBe(0);
    const directory = plain.findLastIndex((_, i) => plain[i] === 0x50 && plain[i + 2] === 1);
    const deflated = plain.slice();
    deflated[directory + 10] = 8;
    await expect(open(deflated)).rejects.toMatchObject(code('zip-packed'));
    const encrypted = plain.slice();
    encrypted[directory + 8]! |= 1;
    await expect(open(encrypted)).rejects.toMatchObject(code('zip-packed'));
  });

  it('refuses truncated files', async () => {
    const source = goldenSource('weights/vqa.pth');
    const cut = bytesSource((await source.read(0, source.size - 1000)).slice());
    await expect(openTorch(cut)).rejects.toMatchObject({ code: 'checkpoint/zip' });
    const legacy = goldenSource('weights/pth_variants_legacy.pth');
    for (const size of [0, 1, 10, 500, 1700, legacy.size - 1]) {
      const part = bytesSource((await legacy.read(0, size)).slice());
      await expect(openTorch(part)).rejects.toMatchObject({
        code: expect.stringMatching(/^(checkpoint|io)\//),
      });
    }
  });
});

describe('writeTorch', () => {
  const tensors = [
    tensorEntry('layer.weight', 'F32', [2, 3], new Float32Array([1, 2, 3, 4, 5, 6])),
    tensorEntry('half', 'F16', [2], new Uint16Array([0x3c00, 0xc000])),
    tensorEntry('brain', 'BF16', [1], new Uint16Array([0x3f80])),
    tensorEntry('double', 'F64', [], new Float64Array([Math.E])),
    tensorEntry('long', 'I64', [2], new BigInt64Array([-1n, 2n ** 40n])),
    tensorEntry('int', 'I32', [1], new Int32Array([-7])),
    tensorEntry('short', 'I16', [1], new Int16Array([-7])),
    tensorEntry('char', 'I8', [1], new Int8Array([-7])),
    tensorEntry('byte', 'U8', [1], new Uint8Array([7])),
    tensorEntry('bool', 'BOOL', [2], new Uint8Array([1, 0])),
    tensorEntry('empty', 'F32', [0, 3], new Float32Array(0)),
    tensorEntry('☃', 'F32', [1], new Float32Array([1])),
  ];

  it('writes what openTorch reads, at multiples of 64 bytes', async () => {
    const sink = bytesSink();
    await writeTorch(sink, tensors);
    const file = await openTorch(bytesSource(sink.bytes()));
    for (const { name, dtype, shape, read } of tensors) {
      const stored = file.tensors.get(name)!;
      expect([stored.dtype, [...stored.shape], await stored.read()]).toEqual([
        dtype,
        shape,
        await read(),
      ]);
    }
    expect(file.tensors.size).toBe(tensors.length);
    expect((file.root as Map<string, unknown>).has('model')).toBe(true);
  });

  it('refuses dtypes that PyTorch has no storage for, and names used twice', async () => {
    const unsigned = tensorEntry('a', 'U32', [1], new Uint32Array(1));
    for (const list of [[unsigned], [tensors[0]!, tensors[0]!]]) {
      const sink = bytesSink();
      await expect(writeTorch(sink, list)).rejects.toMatchObject({ name: 'CheckpointError' });
      expect(() => sink.bytes()).toThrow();
    }
  });

  it('writes and reads zip64 offsets beyond 4 GiB', async () => {
    const sink = bytesSink();
    await writeTorch(sink, tensors.slice(0, 1));
    const plain = await openTorch(bytesSource(sink.bytes()));
    expect(plain.tensors.size).toBe(1);

    const position = 6 * 2 ** 30;
    const far = bytesSink();
    const zip = zipWriter(far, position);
    const near = sink.bytes();
    const source = bytesSource(near);
    for (const entry of (await readZipDirectory(source)).values()) {
      await zip.add(entry.name, await source.read(await zipDataOffset(source, entry), entry.size));
    }
    await zip.finish();
    await far.close();
    const bytes = far.bytes();
    // The first bytes tell the format; the archive itself lies far behind them.
    const moved = sparseSource(position + bytes.byteLength, [
      { at: 0, bytes: new Uint8Array([0x50, 0x4b]) },
      { at: position, bytes },
    ]);
    const reopened = await openTorch(moved);
    expect(await contents(reopened)).toEqual(await contents(plain));
  });
});
