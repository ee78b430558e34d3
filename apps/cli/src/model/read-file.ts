import { fileSource } from '@imglish/core/node';

/** A file as UTF-8; rejects as `readBytes` does. */
export async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(path));
}

/** All bytes of a file; rejects with an `IoError` where there is none. */
export async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const source = await fileSource(path);
  try {
    return (await source.read(0, source.size)) as Uint8Array<ArrayBuffer>;
  } finally {
    await source.close?.();
  }
}
