import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openFixtures, readSafetensors } from './node.js';

const folder = mkdtempSync(join(tmpdir(), 'imglish-testing-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of tensors given as [dtype, shape, bytes]. */
function write(tensors: Record<string, [string, number[], Uint8Array]>): string {
  let at = 0;
  const header: Record<string, unknown> = { __metadata__: { made: 'by hand' } };
  for (const [name, [dtype, shape, bytes]] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(BigUint64Array.of(BigInt(text.length)).buffer);
  const path = join(folder, 'x.safetensors');
  const parts = [length, text, ...Object.values(tensors).map(([, , bytes]) => bytes)];
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

describe('readSafetensors', () => {
  it('reads every type by hand', () => {
    const bytes = (array: { buffer: ArrayBufferLike }) => new Uint8Array(array.buffer);
    const path = write({
      f32: ['F32', [2, 1], bytes(Float32Array.of(1.5, -2))],
      f64: ['F64', [1], bytes(Float64Array.of(0.1))],
      f16: ['F16', [4], bytes(Uint16Array.of(0x3c00, 0xc500, 0x0001, 0x7c00))],
      bf16: ['BF16', [2], bytes(Uint16Array.of(0x3f80, 0xc040))],
      i64: ['I64', [2], bytes(BigInt64Array.of(7n, -1n))],
      i32: ['I32', [], bytes(Int32Array.of(-5))],
      bool: ['BOOL', [3], Uint8Array.of(1, 0, 1)],
      empty: ['F32', [0, 3], new Uint8Array(0)],
    });
    const tensors = readSafetensors(path);
    const plain = Object.fromEntries(
      Object.entries(tensors).map(([name, { data }]) => [name, Array.from(data)]),
    );
    expect(plain).toEqual({
      f32: [1.5, -2],
      f64: [0.1],
      f16: [1, -5, 2 ** -24, Number.POSITIVE_INFINITY],
      bf16: [1, -3],
      i64: [7, -1],
      i32: [-5],
      bool: [1, 0, 1],
      empty: [],
    });
    expect(tensors.f32).toMatchObject({ dtype: 'F32', shape: [2, 1] });
  });

  it('refuses what it would misread', () => {
    const wide = write({ x: ['I64', [1], new Uint8Array(BigInt64Array.of(2n ** 40n).buffer)] });
    expect(() => readSafetensors(wide)).toThrowError('does not fit into int32');
    const unknown = write({ x: ['F8_E5M2', [1], Uint8Array.of(1)] });
    expect(() => readSafetensors(unknown)).toThrowError('x is F8_E5M2');
    const short = write({ x: ['F32', [2], Uint8Array.of(1, 2, 3, 4)] });
    expect(() => readSafetensors(short)).toThrowError('x is 4 bytes');
  });
});

describe('openFixtures', () => {
  const golden = openFixtures(fileURLToPath(new URL('../../../fixtures/golden', import.meta.url)));

  it('lists the files as they are', () => {
    expect(golden.files.length).toBeGreaterThan(10);
    for (const { path, bytes, sha256 } of golden.files) {
      const contents = readFileSync(golden.path(path));
      expect(contents.length, path).toBe(bytes);
      expect(createHash('sha256').update(contents).digest('hex'), path).toBe(sha256);
    }
  });

  it('reads what describes them, and their tensors', () => {
    expect(golden.readme.config).toMatchObject({ dim: 32, layers: 3 });
    expect(golden.json<Record<string, unknown>>('losses.json')).toBeTypeOf('object');
    const image = golden.tensors('backbone/image.safetensors');
    expect(image['out.encoder_out']?.shape.at(-1)).toBe(32);
  });

  it('knows only what the manifest lists', () => {
    expect(() => golden.tensors('backbone/none.safetensors')).toThrowError('does not list');
  });
});
