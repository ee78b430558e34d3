import { describe, expect, it } from 'vitest';
import { contents, goldenSource, sparseSource } from '../../test/checkpoint/fixtures.js';
import { bytesSink, bytesSource } from '../bytes/bytes.js';
import { openSafetensors, writeSafetensors } from './safetensors.js';
import { type TensorEntry, tensorEntry } from './tensor-file.js';

async function written(tensors: TensorEntry[], metadata?: Record<string, string>) {
  const sink = bytesSink();
  await writeSafetensors(sink, tensors, metadata);
  return sink.bytes();
}

function file(header: string, dataBytes: number, claim?: bigint): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.byteLength + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, claim ?? BigInt(json.byteLength), true);
  bytes.set(json, 8);
  return bytes;
}

const everyDtype: TensorEntry[] = [
  tensorEntry('bool', 'BOOL', [3], new Uint8Array([1, 0, 1])),
  tensorEntry('u8', 'U8', [3], new Uint8Array([0, 128, 255])),
  tensorEntry('i8', 'I8', [3], new Int8Array([-128, 0, 127])),
  tensorEntry('u16', 'U16', [1], new Uint16Array([65535])),
  tensorEntry('i16', 'I16', [2], new Int16Array([-32768, 32767])),
  tensorEntry('f16', 'F16', [5], new Uint16Array([0x3c00, 0x8001, 0x7bff, 0xfc00, 0x0200])),
  tensorEntry('bf16', 'BF16', [3], new Uint16Array([0x3f80, 0xff80, 0x0001])),
  tensorEntry('u32', 'U32', [1], new Uint32Array([2 ** 32 - 1])),
  tensorEntry('i32', 'I32', [1, 2], new Int32Array([-(2 ** 31), 2 ** 31 - 1])),
  tensorEntry('f32', 'F32', [2, 1], new Float32Array([1.5, -0])),
  tensorEntry('u64', 'U64', [1], new BigUint64Array([2n ** 64n - 1n])),
  tensorEntry('i64', 'I64', [1], new BigInt64Array([-(2n ** 63n)])),
  tensorEntry('f64', 'F64', [], new Float64Array([Math.PI])),
  tensorEntry('none', 'F32', [0, 3], new Float32Array(0)),
];

describe('safetensors', () => {
  it('gives every dtype back as it was written, aligned, with metadata', async () => {
    const metadata = { format: 'pt', note: 'quotes " and ☃' };
    const bytes = await written(everyDtype, metadata);
    const reopened = await openSafetensors(bytesSource(bytes));
    expect(reopened.metadata).toEqual(metadata);
    for (const { name, dtype, shape, read } of everyDtype) {
      const stored = reopened.tensors.get(name)!;
      expect([stored.dtype, stored.shape]).toEqual([dtype, shape]);
      expect(await stored.read()).toEqual(await read());
    }
    expect(reopened.tensors.size).toBe(everyDtype.length);
  });

  it('converts floats to float32 and integers to int32', async () => {
    const { tensors } = await openSafetensors(bytesSource(await written(everyDtype)));
    const floats = (name: string) => tensors.get(name)!.readFloat32();
    expect([...(await floats('f16'))]).toEqual([1, -(2 ** -24), 65504, -Infinity, 2 ** -15]);
    expect([...(await floats('bf16'))]).toEqual([1, -Infinity, 2 ** -133]);
    expect([...(await floats('f64'))]).toEqual([Math.fround(Math.PI)]);
    expect([...(await tensors.get('bool')!.readInt32())]).toEqual([1, 0, 1]);
    expect([...(await tensors.get('i16')!.readInt32())]).toEqual([-32768, 32767]);
    await expect(floats('i32')).rejects.toMatchObject({ code: 'checkpoint/dtype' });
    for (const name of ['u32', 'i64', 'u64']) {
      await expect(tensors.get(name)!.readInt32()).rejects.toMatchObject({
        code: 'checkpoint/int32-range',
      });
    }
    await expect(tensors.get('f32')!.readInt32()).rejects.toMatchObject({
      code: 'checkpoint/dtype',
    });
  });

  it('does not let a caller write into the source', async () => {
    const bytes = await written(everyDtype);
    const before = bytes.slice();
    const { tensors } = await openSafetensors(bytesSource(bytes));
    for (const tensor of tensors.values()) {
      const data = await tensor.read();
      if (data instanceof Float32Array) data.fill(7);
      if (data instanceof Uint8Array) data.fill(7);
    }
    expect(bytes).toEqual(before);
  });

  it('rewrites a file of the reference library with the same tensors', async () => {
    const original = await openSafetensors(goldenSource('weights/vqa.safetensors'));
    const copy = await written([...original.tensors.values()], original.metadata);
    const reopened = await openSafetensors(bytesSource(copy));
    expect(await contents(reopened)).toEqual(await contents(original));
    expect(original.tensors.size).toBe(137);
  });

  it('reads beyond 4 GiB', async () => {
    const far = 5 * 2 ** 30;
    const header = JSON.stringify({
      big: { dtype: 'U8', shape: [far], data_offsets: [0, far] },
      last: { dtype: 'F32', shape: [2], data_offsets: [far, far + 8] },
    });
    const start = file(header, 0);
    const last = new Uint8Array(new Float32Array([3, 4]).buffer);
    const at = start.byteLength + far;
    const source = sparseSource(at + 8, [
      { at: 0, bytes: start },
      { at, bytes: last },
    ]);
    const { tensors } = await openSafetensors(source);
    expect([...(await tensors.get('last')!.readFloat32())]).toEqual([3, 4]);
  });

  const entry = (dtype: string, shape: string, begin: number, end: number) =>
    `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

  it.each([
    ['an empty file', new Uint8Array(0), 'header'],
    ['a header longer than the file', file('{}', 0, 3n), 'header'],
    ['a header of 2⁶³ bytes', file('{}', 0, 2n ** 63n), 'header'],
    ['no JSON', file('hello', 0), 'header'],
    ['text after the header', file('{} x', 0), 'header'],
    ['an array', file('[]', 0), 'header'],
    ['nesting', file(`{"a":${'['.repeat(1e5)}`, 0), 'header'],
    ['metadata that is no text', file('{"__metadata__":{"a":1}}', 0), 'header'],
    ['a tensor without shape', file('{"a":{"dtype":"F32","data_offsets":[0,0]}}', 0), 'header'],
    ['an unknown key', file('{"a":{"kind":"F32"}}', 0), 'header'],
    [
      'a tensor twice',
      file(`{"a":${entry('U8', '[0]', 0, 0)},"a":${entry('U8', '[0]', 0, 0)}}`, 0),
      'header',
    ],
    [
      'a key twice',
      file('{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}', 0),
      'header',
    ],
    ['a negative size', file(`{"a":${entry('U8', '[-1]', 0, 0)}}`, 0), 'header'],
    ['a fractional size', file(`{"a":${entry('U8', '[1.0]', 0, 1)}}`, 1), 'header'],
    ['a size beyond 2⁵³', file(`{"a":${entry('U8', '[9007199254740993]', 0, 0)}}`, 0), 'header'],
    [
      'a product beyond 2⁵³',
      file(`{"a":${entry('U8', '[4294967296,4294967296]', 0, 0)}}`, 0),
      'shape',
    ],
    ['rank 33', file(`{"a":${entry('U8', `[${Array(33).fill(1)}]`, 0, 1)}}`, 1), 'header'],
    ['offsets at odds with the shape', file(`{"a":${entry('F32', '[2]', 0, 4)}}`, 4), 'header'],
    ['offsets backwards', file(`{"a":${entry('U8', '[1]', 1, 0)}}`, 1), 'header'],
    ['a hole', file(`{"a":${entry('U8', '[1]', 1, 2)}}`, 2), 'offsets'],
    [
      'an overlap',
      file(`{"a":${entry('U8', '[2]', 0, 2)},"b":${entry('U8', '[2]', 1, 3)}}`, 3),
      'offsets',
    ],
    ['a truncated file', file(`{"a":${entry('U8', '[2]', 0, 2)}}`, 1), 'size'],
    ['bytes left over', file(`{"a":${entry('U8', '[2]', 0, 2)}}`, 3), 'size'],
    ['F8', file(`{"a":${entry('F8_E4M3', '[1]', 0, 1)}}`, 1), 'dtype'],
    [
      'a dtype that is a property of objects',
      file(`{"a":${entry('constructor', '[1]', 0, 1)}}`, 1),
      'dtype',
    ],
  ])('refuses %s', async (_, bytes, code) => {
    await expect(openSafetensors(bytesSource(bytes))).rejects.toMatchObject({
      name: 'CheckpointError',
      code: `checkpoint/${code}`,
    });
  });

  it('writes nothing when a tensor is not what it says', async () => {
    const lies: TensorEntry[][] = [
      [{ name: 'a', dtype: 'F32', shape: [2], read: async () => new Float32Array(3) }],
      [{ name: 'a', dtype: 'F32', shape: [2], read: async () => new Int32Array(2) }],
      [everyDtype[0]!, everyDtype[0]!],
      [tensorEntry('__metadata__', 'U8', [0], new Uint8Array(0))],
    ];
    for (const tensors of lies) {
      const sink = bytesSink();
      await expect(writeSafetensors(sink, tensors)).rejects.toMatchObject({
        name: 'CheckpointError',
      });
      expect(() => sink.bytes()).toThrow();
    }
  });
});
