import { encodePng } from '@imglish/tokenizers';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One header and the bytes that follow it, padded. */
export function tarFile(
  name: string,
  content: Uint8Array | string,
  type = '0',
  prefix = '',
): Uint8Array {
  const bytes = typeof content === 'string' ? utf8(content) : content;
  const entry = new Uint8Array(512 + Math.ceil(bytes.length / 512) * 512);
  const put = (at: number, text: string) => entry.set(utf8(text), at);
  put(0, name);
  put(100, '0000644\0');
  put(124, `${bytes.length.toString(8).padStart(11, '0')}\0`);
  put(156, type);
  put(257, 'ustar\u000000');
  put(345, prefix);
  entry.set(bytes, 512);
  return withChecksum(entry);
}

/** Writes the checksum of the header at the beginning. */
export function withChecksum(entry: Uint8Array): Uint8Array {
  entry.fill(32, 148, 156);
  const sum = entry.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  entry.set(utf8(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return entry;
}

/** A pax field, its own length in front. */
export function paxField(key: string, value: string): string {
  const rest = utf8(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

export function tarOf(...files: readonly Uint8Array[]): Uint8Array {
  return joined([...files, new Uint8Array(1024)]);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A picture of one colour. */
export function dot(red: number, side = 2): Uint8Array {
  const data = new Uint8Array(3 * side * side).fill(red);
  return encodePng({ width: side, height: side, data });
}

/** The files of a record: a picture whose every byte is `red`, and a caption. */
export function pairFiles(key: string, red: number): Uint8Array[] {
  return [tarFile(`${key}.png`, dot(red)), tarFile(`${key}.txt`, `number ${red}`)];
}
