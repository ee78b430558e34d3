import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bytesSource, openCheckpoint } from '@imglish/core';

/** Every tensor of a weights file: name → type, shape and SHA-256 of the bytes, quick to compare. */
export async function tensorsOf(path: string): Promise<Record<string, string>> {
  const file = await openCheckpoint(bytesSource(new Uint8Array(readFileSync(path)), path));
  const tensors: Record<string, string> = {};
  for (const [name, tensor] of file.tensors) {
    const hash = createHash('sha256')
      .update(await tensor.read())
      .digest('hex');
    tensors[name] = `${tensor.dtype} [${tensor.shape}] ${hash}`;
  }
  await file.close();
  return tensors;
}

/** One tensor of a weights file as floats. */
export async function floatsOf(path: string, name: string): Promise<Float32Array> {
  const file = await openCheckpoint(bytesSource(new Uint8Array(readFileSync(path)), path));
  const values = await file.tensors.get(name)!.readFloat32();
  await file.close();
  return values;
}
