import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Limit } from './limit.js';
import { timed } from './timed.js';

/** More than any cache holds. */
const SMALLEST = 2 ** 28;

/** Searches its bytes for one that is not there, again whenever it is asked. */
const READER = `
const { parentPort, workerData } = require('node:worker_threads');
const bytes = Buffer.from(workerData.memory, workerData.offset, workerData.length);
parentPort.on('message', () => parentPort.postMessage(bytes.indexOf(0)));
`;

/**
 * The time below which no engine gets that reads so many bytes from memory `passes` times, however
 * little it computes: each of `threads` searches a part of them for a byte that is not there (memchr).
 */
export function memoryLimit(name: string, bytes: number, passes: number, threads: number): Limit {
  const size = Math.max(bytes, SMALLEST);
  const part = Math.floor(size / threads);
  const memory = new SharedArrayBuffer(part * threads);
  new Uint8Array(memory).fill(1);
  const readers = Array.from(
    { length: threads },
    (_, i) =>
      new Worker(READER, {
        eval: true,
        workerData: { memory, offset: i * part, length: part },
      }),
  );
  const pass = () =>
    Promise.all(
      readers.map((reader) => {
        const found = once(reader, 'message'); // rejects where the thread ends by an error
        reader.postMessage(undefined);
        return found;
      }),
    );
  return {
    name,
    settings: `${(bytes / 1e6).toFixed(0)} MB, memchr, ${threads} threads`,
    run: async (runs) => {
      const times = await timed(runs, async () => {
        for (let n = 0; n < passes; n++) await pass();
      });
      return times.map((seconds) => (seconds * bytes) / (part * threads));
    },
    dispose: async () => {
      await Promise.all(readers.map((reader) => reader.terminate()));
    },
  };
}
