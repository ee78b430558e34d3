import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { goldenSource } from '../../test/checkpoint/fixtures.js';
import type { FilePlace, ParameterSource } from '../backend/compiler.js';
import { bytesSource } from '../bytes/bytes.js';
import { fileDirectory, fileSource } from '../node.js';
import type { ParameterSpecs } from '../parameters/parameters.js';
import { CheckpointMismatchError } from './load-checkpoint.js';
import { readModelDirectory, writeModelDirectory } from './model-directory.js';
import { openCheckpoint } from './open-checkpoint.js';
import { parameterSource } from './parameter-source.js';
import { openSafetensors } from './safetensors.js';
import { type TensorEntry, type TensorFile, tensorEntry } from './tensor-file.js';

const POSITIONS = 'beit3.encoder.embed_positions.A.weight';
const folder = mkdtempSync(join(tmpdir(), 'imglish-source-'));
afterAll(() => rmSync(folder, { recursive: true }));

const specsOf = (shapes: Record<string, readonly number[]>): ParameterSpecs =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, { shape, init: { kind: 'zeros' } }]),
  );
const shapesOf = (file: TensorFile) =>
  specsOf(Object.fromEntries([...file.tensors].map(([name, { shape }]) => [name, shape])));

/** Writes a model directory of these tensors and opens it. */
async function directoryOf(name: string, tensors: TensorEntry[], shardBytes = 1e9) {
  const directory = fileDirectory(join(folder, name));
  await writeModelDirectory(directory, { config: {}, tensors, shardBytes });
  return readModelDirectory(directory);
}

/** The bytes that a place means, read from the disk. */
function bytesAt(place: ParameterSource[string]['place']): Uint8Array {
  const { file, offset, bytes } = place as FilePlace;
  return new Uint8Array(readFileSync(file).subarray(offset, offset + bytes));
}

const bytesOf = (data: ArrayBufferView) =>
  new Uint8Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));

describe('parameterSource', () => {
  const tensors = () => [
    tensorEntry('a.weight', 'F32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
    tensorEntry('b', 'F16', [2], Uint16Array.of(0x3c00, 0xc000)),
    tensorEntry('c', 'BF16', [1], Uint16Array.of(0x3f80)),
    tensorEntry('scale', 'F32', [], Float32Array.of(7)),
  ];
  const specs = specsOf({ 'a.weight': [2, 3], b: [2], c: [1], scale: [] });

  it.each([
    ['one file', 1e9, ['model.safetensors']],
    ['shards', 20, ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']],
  ])('says where in %s every parameter is, and reads none', async (name, shardBytes, files) => {
    const { tensors: file } = await directoryOf(name, tensors(), shardBytes);
    await file.close(); // Nothing can be read any more.
    const source = parameterSource(file, { specs });
    expect(Object.keys(source)).toEqual(['a.weight', 'b', 'c', 'scale']);
    for (const entry of tensors()) {
      const { shape, place } = source[entry.name]!;
      expect(shape).toEqual(entry.shape);
      expect(bytesAt(place)).toEqual(bytesOf(await entry.read()));
    }
    const { stored } = source.b!.place as FilePlace;
    expect([stored, (source.c!.place as FilePlace).stored]).toEqual(['float16', 'bfloat16']);
    const used = new Set(Object.values(source).map(({ place }) => (place as FilePlace).file));
    expect([...used].sort()).toEqual(files.map((shard) => join(folder, name, shard)));
  });

  it('gives absolute paths, whatever path the file was opened by', async () => {
    await directoryOf('relative', tensors());
    const path = join(folder, 'relative', 'model.safetensors');
    const file = await openSafetensors(await fileSource(relative('.', path)));
    await file.close();
    expect((parameterSource(file, { specs }).b!.place as FilePlace).file).toBe(path);
  });

  it('lists everything missing, unexpected and misshapen at once', async () => {
    const { tensors: file } = await directoryOf('mismatch', tensors());
    const wrong = specsOf({ 'a.weight': [3, 2], b: [2], d: [1], scale: [] });
    try {
      parameterSource(file, { specs: wrong });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(CheckpointMismatchError);
      expect(error).toMatchObject({
        missing: ['d'],
        unexpected: ['c'],
        misshapen: ['a.weight F32 [2, 3] instead of [3, 2]'],
      });
    }
    const others = { specs: specsOf({ 'a.weight': [2, 3], b: [2] }), ignores: ['c', 'sc*'] };
    expect(Object.keys(parameterSource(file, others))).toEqual(['a.weight', 'b']);
    await file.close();
  });

  it('lists all that would have to be read: doubles, positions of another size', async () => {
    const { tensors: file } = await directoryOf('convert', [
      tensorEntry('a', 'F64', [1], Float64Array.of(1)),
      tensorEntry('b', 'F32', [1], Float32Array.of(1)),
      tensorEntry(POSITIONS, 'F32', [3 + 4, 1], new Float32Array(7)),
    ]);
    await file.close();
    const larger = specsOf({ a: [1], b: [1], [POSITIONS]: [3 + 9, 1] });
    expect(() => parameterSource(file, { specs: larger })).toThrow(
      expect.objectContaining({
        code: 'checkpoint/not-in-place',
        got: `2 others: a (F64), ${POSITIONS} (to be resized)`,
      }),
    );
  });

  it.each(['weights/vqa.pth', 'weights/vqa.safetensors'])('refuses %s in memory', async (path) => {
    const source = goldenSource(path);
    const bytes = await source.read(0, source.size);
    const file = await openCheckpoint(bytesSource(bytes, path));
    expect(() => parameterSource(file, { specs: shapesOf(file) })).toThrow(
      expect.objectContaining({
        code: 'checkpoint/not-in-place',
        got: expect.stringContaining('(in no file)'),
      }),
    );
  });
});
