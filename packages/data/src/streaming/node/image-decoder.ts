import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { DataError, type ErrorDetails, ImageError, type RgbImage } from '@imglish/core';
import { checkCount } from '../../dataset/dataset.js';

export interface ImageDecoderOptions {
  /** Threads that decode; default one less than there are processors, at least 1. */
  readonly threads?: number;
  /** Height and width to which pictures are resized (bicubic, stretched); by default they keep theirs. */
  readonly size?: readonly [height: number, width: number];
}

/** Decodes pictures on threads of its own. */
export interface ImageDecoder {
  /**
   * The pixels of a PNG or JPEG, or of WebP, GIF or SVG where `sharp` is installed. Calls beyond the
   * number of threads wait for their turn, in order. Rejects with an `ImageError`, or a `DataError`
   * `data/decoder` where the picture ended its thread.
   */
  decode(bytes: Uint8Array): Promise<RgbImage>;
  /** Ends the threads; pictures that are under way reject. */
  close(): Promise<void>;
}

export interface DecodeRequest {
  readonly bytes: Uint8Array;
  readonly size: readonly [number, number] | undefined;
}

export type DecodeReply = { readonly image: RgbImage } | { readonly failure: ErrorDetails };

interface Task {
  readonly bytes: Uint8Array;
  resolve(image: RgbImage): void;
  reject(error: unknown): void;
}

/**
 * Starts threads that decode and resize, as they are needed; idle ones keep no process alive.
 * At most one picture a thread is decoded at a time: callers bound what waits (see `sampleStream`).
 */
export function imageDecoder(options: ImageDecoderOptions = {}): ImageDecoder {
  const { threads = Math.max(1, availableParallelism() - 1), size } = options;
  checkCount('imageDecoder', 'threads', threads, 1);
  for (const side of size ?? []) checkCount('imageDecoder', 'size', side, 1);
  const waiting: Task[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, Task>();
  let closed = false;

  const give = (worker: Worker): void => {
    const task = waiting.shift();
    if (!task) {
      worker.unref();
      idle.push(worker);
      return;
    }
    busy.set(worker, task);
    worker.ref();
    // A copy: the view may be of a larger buffer, which would travel whole.
    const bytes = new Uint8Array(task.bytes);
    worker.postMessage({ bytes, size } satisfies DecodeRequest, [bytes.buffer]);
  };
  const start = (): void => {
    const worker = new Worker(workerFile());
    worker.on('message', (reply: DecodeReply) => {
      const task = busy.get(worker)!;
      busy.delete(worker);
      if ('image' in reply) task.resolve(reply.image);
      else task.reject(errorOf(reply.failure));
      give(worker);
    });
    let reason: unknown;
    worker.on('error', (error) => {
      reason = error;
    });
    worker.on('exit', () => {
      const place = idle.indexOf(worker);
      if (place >= 0) idle.splice(place, 1);
      busy.get(worker)?.reject(ended(reason));
      busy.delete(worker);
      if (waiting.length > 0 && !closed) start();
    });
    give(worker);
  };
  return {
    decode(bytes) {
      if (closed) return Promise.reject(ended('the decoder was closed'));
      return new Promise((resolve, reject) => {
        waiting.push({ bytes, resolve, reject });
        const free = idle.pop();
        if (free) give(free);
        else if (busy.size < threads) start();
      });
    },
    async close() {
      closed = true;
      for (const { reject } of waiting.splice(0)) reject(ended('the decoder was closed'));
      await Promise.all([...idle, ...busy.keys()].map((worker) => worker.terminate()));
    },
  };
}

function workerFile(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(
    isSource ? '../../../dist/decode-worker.js' : './decode-worker.js',
    import.meta.url,
  );
}

function errorOf(failure: ErrorDetails): Error {
  return failure.code.startsWith('image/') ? new ImageError(failure) : new DataError(failure);
}

function ended(reason: unknown): DataError {
  return new DataError({
    code: 'data/decoder',
    where: 'imageDecoder.decode',
    expected: 'a thread that decodes the picture',
    got: reason instanceof Error ? reason.message : String(reason ?? 'one that ended'),
    cause: reason,
  });
}
