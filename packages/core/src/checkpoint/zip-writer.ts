import type { ByteSink } from '../bytes/bytes.js';
import { crc32 } from './crc32.js';

/** Writes a zip archive entry by entry. */
export interface ZipWriter {
  add(name: string, bytes: Uint8Array): Promise<void>;
  /** Writes the directory; the sink stays open. */
  finish(): Promise<void>;
}

const WIDE = 0xffffffff;

/**
 * A zip archive of stored (uncompressed) entries whose bytes begin at multiples of 64, as
 * `torch.save` lays them out for memory mapping; zip64 records where 32 bits do not do.
 * `position` is where in the sink the archive begins: offsets count from the sink's first byte.
 */
export function zipWriter(sink: ByteSink, position = 0): ZipWriter {
  const directory: Uint8Array[] = [];
  let at = position;
  const write = async (bytes: Uint8Array): Promise<void> => {
    await sink.write(bytes);
    at += bytes.byteLength;
  };
  return {
    async add(name: string, bytes: Uint8Array): Promise<void> {
      const nameBytes = new TextEncoder().encode(name);
      const crc = crc32(bytes);
      const size = bytes.byteLength;
      const headerOffset = at;
      const localWide = size >= WIDE ? zip64Extra([size, size]) : new Uint8Array(0);
      const unpadded = at + 30 + nameBytes.byteLength + localWide.byteLength + 4;
      const padding = paddingExtra(-unpadded & 63);
      const common = (extraBytes: number): Field[] => [
        [2, size >= WIDE ? 45 : 20],
        [2, 0x0800], // names are UTF-8
        [2, 0], // stored
        [4, 0x210000], // 1 January 1980: the same input gives the same file
        [4, crc],
        [4, Math.min(size, WIDE)],
        [4, Math.min(size, WIDE)],
        [2, nameBytes.byteLength],
        [2, extraBytes],
      ];
      const localExtra = localWide.byteLength + padding.byteLength;
      await write(record([4, 0x04034b50], ...common(localExtra)));
      await write(nameBytes);
      await write(localWide);
      await write(padding);
      await write(bytes);

      const wide = [...(size >= WIDE ? [size, size] : [])];
      if (headerOffset >= WIDE) wide.push(headerOffset);
      const extra = wide.length > 0 ? zip64Extra(wide) : new Uint8Array(0);
      directory.push(
        record(
          [4, 0x02014b50],
          [2, 45],
          ...common(extra.byteLength),
          [2, 0],
          [2, 0],
          [2, 0],
          [4, 0],
          [4, Math.min(headerOffset, WIDE)],
        ),
        nameBytes,
        extra,
      );
    },
    async finish(): Promise<void> {
      const count = directory.length / 3;
      const start = at;
      for (const part of directory) await write(part);
      const size = at - start;
      const end64 = at;
      await write(
        record(
          [4, 0x06064b50],
          [8, 44],
          [2, 45],
          [2, 45],
          [4, 0],
          [4, 0],
          [8, count],
          [8, count],
          [8, size],
          [8, start],
        ),
      );
      await write(record([4, 0x07064b50], [4, 0], [8, end64], [4, 1]));
      await write(
        record(
          [4, 0x06054b50],
          [2, 0],
          [2, 0],
          [2, Math.min(count, 0xffff)],
          [2, Math.min(count, 0xffff)],
          [4, Math.min(size, WIDE)],
          [4, Math.min(start, WIDE)],
          [2, 0],
        ),
      );
    },
  };
}

/** Bytes and value of a little-endian integer. */
type Field = readonly [bytes: 2 | 4 | 8, value: number];

function record(...fields: Field[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

function zip64Extra(values: readonly number[]): Uint8Array {
  return record([2, 1], [2, 8 * values.length], ...values.map((value): Field => [8, value]));
}

/** An extra field of `4 + bytes` bytes that only fills space. */
function paddingExtra(bytes: number): Uint8Array {
  const extra = new Uint8Array(4 + bytes).fill(0x5a);
  extra.set(record([2, 0x4246], [2, bytes]));
  return extra;
}
