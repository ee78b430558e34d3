import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ByteSource, bytesSource, checkRange } from '../../bytes/bytes.js';
import type { TensorFile } from '../tensor-file.js';

const GOLDEN = new URL('../../../../../fixtures/golden/', import.meta.url);

export function goldenPath(path: string): string {
  return fileURLToPath(new URL(path, GOLDEN));
}

export function goldenBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(goldenPath(path)));
}

export function goldenSource(path: string): ByteSource {
  return bytesSource(goldenBytes(path), path);
}

/** Everything in a file: dtype, shape and elements by name. */
export async function contents(file: TensorFile): Promise<Record<string, unknown>> {
  const result: Record<string, unknown> = {};
  for (const [name, tensor] of [...file.tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    result[name] = { dtype: tensor.dtype, shape: [...tensor.shape], data: await tensor.read() };
  }
  return result;
}

/** A source of zeros of any size, with pieces of real bytes in it. */
export function sparseSource(
  size: number,
  pieces: readonly { at: number; bytes: Uint8Array }[],
): ByteSource {
  return {
    name: 'sparse',
    size,
    async read(offset: number, length: number): Promise<Uint8Array> {
      checkRange('sparseSource.read', 'sparse', size, offset, length);
      const result = new Uint8Array(length);
      for (const { at, bytes } of pieces) {
        const from = Math.max(at, offset);
        const to = Math.min(at + bytes.byteLength, offset + length);
        if (from < to) result.set(bytes.subarray(from - at, to - at), from - offset);
      }
      return result;
    },
  };
}
