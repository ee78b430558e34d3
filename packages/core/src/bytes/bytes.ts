import { IoError } from '../errors/errors.js';

/** Random access to bytes that may be larger than memory: a file, an HTTP resource, a buffer. */
export interface ByteSource {
  /** Total bytes. */
  readonly size: number;
  /** For messages: a path, a URL, or what the bytes are. */
  readonly name: string;
  /** Absolute path or URL where an engine finds the same bytes; left out when there is none. */
  readonly location?: string;
  /** Exactly `length` bytes from `offset`; rejects with an `IoError` where there are fewer. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close?(): Promise<void>;
}

/** Where bytes go, in order. Nothing is visible to readers before `close` resolves. */
export interface ByteSink {
  readonly name: string;
  write(bytes: Uint8Array): Promise<void>;
  /** Makes what was written so far durable, not yet visible: `close` is then quick. */
  flush?(): Promise<void>;
  /** Makes what was written durable and visible. */
  close(): Promise<void>;
  /** Forgets what was written; what was there before stays. */
  abort(): Promise<void>;
}

/** A `ByteSource` over bytes in memory. */
export function bytesSource(given: Uint8Array, name = 'bytes'): ByteSource {
  // A Node Buffer is a Uint8Array whose slice() does not copy: readers must not meet one.
  const bytes = new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  return {
    size: bytes.byteLength,
    name,
    async read(offset: number, length: number): Promise<Uint8Array> {
      checkRange('bytesSource.read', name, bytes.byteLength, offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** A `ByteSink` that keeps the bytes; `bytes()` is valid after `close`. */
export function bytesSink(name = 'bytes'): ByteSink & { bytes(): Uint8Array } {
  let chunks: Uint8Array[] = [];
  let result: Uint8Array | undefined;
  return {
    name,
    async write(chunk: Uint8Array): Promise<void> {
      chunks.push(chunk.slice());
    },
    async close(): Promise<void> {
      const total = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      result = new Uint8Array(total);
      let at = 0;
      for (const chunk of chunks) {
        result.set(chunk, at);
        at += chunk.byteLength;
      }
      chunks = [];
    },
    async abort(): Promise<void> {
      chunks = [];
    },
    bytes(): Uint8Array {
      if (!result) {
        throw new IoError({
          code: 'io/not-closed',
          where: 'bytesSink.bytes',
          expected: 'a closed sink',
          got: 'one that is still open',
          fix: 'Await close() first.',
        });
      }
      return result;
    },
  };
}

/** Throws an `IoError` (`io/out-of-range`) unless `offset … offset + length` lies within `size`. */
export function checkRange(
  where: string,
  name: string,
  size: number,
  offset: number,
  length: number,
): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
  if (!valid || offset < 0 || length < 0 || offset + length > size) {
    throw new IoError({
      code: 'io/out-of-range',
      where,
      expected: `a range within the ${size} bytes of ${name}`,
      got: `offset ${offset}, length ${length}`,
      fix: 'The file may be truncated.',
    });
  }
}
