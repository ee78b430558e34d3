import type { Worker } from 'node:worker_threads';
import type { Port } from './link.js';

/** A worker thread as a link needs it. */
export function nodePort(worker: Worker): Port {
  return {
    post: (request, transfer) => worker.postMessage(request, transfer),
    listen(onReply, onLost) {
      worker.on('message', onReply);
      worker.on('messageerror', (error) => onLost(error.message));
      worker.on('error', (error) => onLost(error.message));
      worker.on('exit', (code) => onLost(`a worker that exited with ${code}`));
    },
    hold(busy) {
      if (busy) worker.ref();
      else worker.unref();
    },
    async end() {
      await worker.terminate();
    },
  };
}
