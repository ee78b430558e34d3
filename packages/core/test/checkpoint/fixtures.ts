import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ByteSource, bytesSource, checkRange } from '../../src/bytes/bytes.js';
import type { TensorFile } from '../../src/checkpoint/tensor-file.js';

const GOLDEN = new URL('../../../../fixtures/golden/', import.meta.url);

export function goldenPath(path: string): string {
  return fileURLToPath(new URL(path, GOLDEN));
}

export function goldenBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(goldenPath(path)));
}

export function goldenSource(path: string): ByteSource {
  return bytesSource(goldenBytes(path), path);
}

/** Everything in a file: dtype, shape and bytes by name, in a form that compares fast. */
export async function contents(file: Pick<TensorFile, 'tensors'>): Promise<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const [name, tensor] of [...file.tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { buffer, byteOffset, byteLength } = await tensor.read();
    const bytes = Buffer.from(buffer, byteOffset, byteLength).toString('base64');
    result[name] = `${tensor.dtype} [${tensor.shape}] ${bytes}`;
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
