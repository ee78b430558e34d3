import { fileSource } from '@imglish/core/node';

/** All bytes of a file; rejects with an `IoError` where there is none. */
export async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const source = await fileSource(path);
  try {
    return (await source.read(0, source.size)) as Uint8Array<ArrayBuffer>;
  } finally {
    await source.close?.();
  }
}
