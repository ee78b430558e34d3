import { bytesSink } from '../../src/bytes/bytes.js';
import { zipWriter } from '../../src/checkpoint/zip-writer.js';

/** Opcodes as characters and numbers, one after the other. */
export function pickleOf(...parts: (string | number | Uint8Array)[]): Uint8Array {
  const bytes = parts.flatMap((part) =>
    typeof part === 'number'
      ? [part]
      : typeof part === 'string'
        ? Array.from(part, (c) => c.charCodeAt(0))
        : [...part],
  );
  return new Uint8Array(bytes);
}

/** BINUNICODE. */
export function textOf(text: string): Uint8Array {
  const utf8 = new TextEncoder().encode(text);
  return pickleOf('X', new Uint8Array(new Uint32Array([utf8.byteLength]).buffer), utf8);
}

/** A zip file as torch.save writes it, with this `data.pkl`. */
export async function torchFileOf(
  pickle: Uint8Array,
  storages: Record<string, Uint8Array> = {},
): Promise<Uint8Array> {
  const sink = bytesSink();
  const zip = zipWriter(sink);
  await zip.add('archive/data.pkl', pickle);
  for (const [key, bytes] of Object.entries(storages)) await zip.add(`archive/data/${key}`, bytes);
  await zip.finish();
  await sink.close();
  return sink.bytes();
}
