import { fileSink } from '@imglish/core/node';

/** Writes a file whole, as UTF-8; rejects with an `IoError` where it cannot be written. */
export async function writeText(path: string, text: string): Promise<void> {
  await writeBytes(path, new TextEncoder().encode(text));
}

/** Writes a file whole; rejects as `writeText` does. */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  const sink = await fileSink(path);
  await sink.write(bytes);
  await sink.close();
}
