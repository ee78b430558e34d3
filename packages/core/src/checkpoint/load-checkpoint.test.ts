import { describe, expect, it } from 'vitest';
import { goldenSource } from '../../test/checkpoint/fixtures.js';
import type { ParameterSpecs } from '../parameters/parameters.js';
import {
  CheckpointMismatchError,
  type HostParameter,
  type LoadedCheckpoint,
  loadCheckpoint,
} from './load-checkpoint.js';
import { resizePositions } from './resize-positions.js';
import { openSafetensors } from './safetensors.js';
import { type StoredTensor, storedTensor, type TensorFile } from './tensor-file.js';
import { openTorch } from './torch-reader.js';

const POSITIONS = 'beit3.encoder.embed_positions.A.weight';

function specsOf(shapes: Record<string, number[]>): ParameterSpecs {
  const entries = Object.entries(shapes).map(([name, shape]) => [
    name,
    { shape, init: { kind: 'zeros' } },
  ]);
  return Object.fromEntries(entries);
}

/** A file of float32 tensors whose elements count up. */
function fileOf(
  shapes: Record<string, number[]>,
  dtype: StoredTensor['dtype'] = 'F32',
): TensorFile {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, shape] of Object.entries(shapes)) {
    const count = shape.reduce((a, b) => a * b, 1);
    const read = async () =>
      new Uint8Array(Float32Array.from({ length: count }, (_, i) => i).buffer);
    tensors.set(name, storedTensor(name, dtype, shape, read));
  }
  return { name: 'test', tensors, metadata: {}, close: async () => {} };
}

async function collect(checkpoint: LoadedCheckpoint): Promise<Map<string, HostParameter>> {
  const result = new Map<string, HostParameter>();
  for await (const parameter of checkpoint.parameters()) result.set(parameter.name, parameter);
  return result;
}

describe('loadCheckpoint', () => {
  it('reads the official names of a .pth and of a safetensors file alike', async () => {
    const torch = await openTorch(goldenSource('weights/vqa.pth'));
    const safe = await openSafetensors(goldenSource('weights/vqa.safetensors'));
    const shapes = Object.fromEntries([...safe.tensors].map(([n, t]) => [n, [...t.shape]]));
    const specs = specsOf(shapes);
    const checkpoint = loadCheckpoint(torch, { specs });
    expect(checkpoint.loaded).toEqual(Object.keys(specs));
    expect([checkpoint.initialised, checkpoint.ignored, checkpoint.resized]).toEqual([[], [], []]);
    for await (const { name, shape, data } of checkpoint.parameters()) {
      expect(shape).toEqual(shapes[name]);
      const expected = await safe.tensors.get(name)!.readFloat32();
      expect(data.every((x, i) => x === expected[i])).toBe(true);
    }
  });

  it('lists everything that does not fit in one error', () => {
    const file = fileOf({ a: [2], 'extra.one': [1], 'head.weight': [3, 4], 'extra.two': [1] });
    const specs = specsOf({ a: [3], b: [1], c: [1], 'head.weight': [5, 4] });
    let error: unknown;
    try {
      loadCheckpoint(file, { specs });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(CheckpointMismatchError);
    const mismatch = error as CheckpointMismatchError;
    expect(mismatch.code).toBe('checkpoint/mismatch');
    expect(mismatch.missing).toEqual(['b', 'c']);
    expect(mismatch.unexpected).toEqual(['extra.one', 'extra.two']);
    expect(mismatch.misshapen).toEqual([
      'a F32 [2] instead of [3]',
      'head.weight F32 [3, 4] instead of [5, 4]',
    ]);
    for (const name of ['b', 'c', 'extra.one', 'extra.two', 'a F32', 'head.weight']) {
      expect(mismatch.message).toContain(name);
    }
  });

  it('drops what the caller initialises and ignores what it lists, and nothing else', async () => {
    const file = fileOf({ a: [2], 'head.weight': [3, 4], 'head.bias': [5], 'extra.one': [1] });
    const specs = specsOf({ a: [2], 'head.weight': [5, 4], 'head.bias': [5], fresh: [1] });
    const options = { specs, initialises: ['head.*', 'fresh'], ignores: ['extra.*'] };
    const checkpoint = loadCheckpoint(file, options);
    expect(checkpoint.loaded).toEqual(['a', 'head.bias']);
    expect(checkpoint.initialised).toEqual(['head.weight', 'fresh']);
    expect(checkpoint.ignored).toEqual(['extra.one']);
    expect([...(await collect(checkpoint)).keys()]).toEqual(['a', 'head.bias']);
    for (const broken of [
      { ...options, initialises: ['head.*'] },
      { ...options, initialises: ['fresh', 'headXweight'] },
      { ...options, initialises: ['fresh', 'head'] },
      { ...options, ignores: ['extra'] },
      { ...options, ignores: [] },
    ]) {
      expect(() => loadCheckpoint(file, broken)).toThrow(CheckpointMismatchError);
    }
  });

  it('refuses integers where floats are due', () => {
    const file = fileOf({ a: [2] }, 'I32');
    expect(() => loadCheckpoint(file, { specs: specsOf({ a: [2] }) })).toThrow(/a I32 \[2\]/);
  });

  it.each([
    [48, 6],
    [16, 2],
  ])('resizes positions as the reference does, 32 → %i px', async (size, side) => {
    const golden = await openSafetensors(
      goldenSource('interpolate/retrieval_32_to_48.safetensors'),
    );
    const before = golden.tensors.get(`before.${POSITIONS}`)!;
    const after = golden.tensors.get(`after${size}.${POSITIONS}`)!;
    const tensors = new Map([[POSITIONS, before]]);
    const specs = specsOf({ [POSITIONS]: [...after.shape] });
    expect(after.shape[0]).toBe(3 + side * side);
    const checkpoint = loadCheckpoint({ ...golden, tensors }, { specs });
    expect(checkpoint.resized).toEqual([POSITIONS]);
    const { data } = (await collect(checkpoint)).get(POSITIONS)!;
    const expected = await after.readFloat32();
    const worst = data.reduce((max, x, i) => Math.max(max, Math.abs(x - expected[i]!)), 0);
    expect(worst).toBeLessThan(1e-6);
  });

  it('takes and gives grids that are no squares, and keeps a table of as many rows', async () => {
    const square = fileOf({ [POSITIONS]: [3 + 16, 2] });
    const oblong = specsOf({ [POSITIONS]: [3 + 15, 2] });
    const resized = loadCheckpoint(square, { specs: oblong, imageGrid: [3, 5] });
    expect((await collect(resized)).get(POSITIONS)!.data.length).toBe(36);
    expect(() => loadCheckpoint(square, { specs: oblong })).toThrow(/imageGrid/);
    expect(() => loadCheckpoint(square, { specs: oblong, imageGrid: [4, 4] })).toThrow(/imageGrid/);

    const source = fileOf({ [POSITIONS]: [3 + 15, 2] });
    const target = specsOf({ [POSITIONS]: [3 + 16, 2] });
    expect(() => loadCheckpoint(source, { specs: target })).toThrow(CheckpointMismatchError);
    const told = loadCheckpoint(source, { specs: target, sourceGrid: [3, 5] });
    expect(told.resized).toEqual([POSITIONS]);

    const same = specsOf({ [POSITIONS]: [3 + 16, 2] });
    const kept = loadCheckpoint(square, { specs: same, imageGrid: [2, 8] });
    expect(kept.resized).toEqual([]);
    const turned = loadCheckpoint(square, { specs: same, imageGrid: [2, 8], sourceGrid: [4, 4] });
    expect(turned.resized).toEqual([POSITIONS]);
  });

  it('resizes no other table and no other width', () => {
    const text = 'beit3.encoder.embed_positions.B.weight';
    expect(() =>
      loadCheckpoint(fileOf({ [text]: [19, 2] }), { specs: specsOf({ [text]: [28, 2] }) }),
    ).toThrow(CheckpointMismatchError);
    expect(() =>
      loadCheckpoint(fileOf({ [POSITIONS]: [19, 4] }), {
        specs: specsOf({ [POSITIONS]: [28, 2] }),
      }),
    ).toThrow(CheckpointMismatchError);
  });
});

describe('resizePositions', () => {
  it('keeps a constant grid, and the table where the grid stays', () => {
    const table = new Float32Array((3 + 12) * 2).fill(0.5);
    for (const value of resizePositions(table, 2, [3, 4], [7, 2])) {
      expect(value).toBeCloseTo(0.5, 6);
    }
    const counting = Float32Array.from({ length: 30 }, (_, i) => i);
    expect(resizePositions(counting, 2, [3, 4], [3, 4])).toEqual(counting);
  });

  it('refuses a table of another size', () => {
    expect(() => resizePositions(new Float32Array(10), 2, [3, 4], [7, 2])).toThrow(
      /resizePositions/,
    );
  });
});
