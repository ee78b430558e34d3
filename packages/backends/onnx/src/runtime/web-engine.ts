import { BackendError } from '@imglish/core';
import type { Device, EngineOptions, RuntimeEngine } from './engine.js';
import { checkOptions, describeEngine } from './engine-options.js';
import { Link, type Port, RequestFailed } from './link.js';
import { prepareFetched } from './web-weights.js';
import { workerEngine } from './worker-engine.js';

export interface WebEngineOptions extends EngineOptions {
  /**
   * Where the `.wasm` files of onnxruntime-web lie: a folder (ending in `/`), or each file's URL by name.
   * Not set: beside the script, where some bundlers put them.
   */
  readonly wasmPaths?: string | Readonly<Record<string, string>>;
}

/**
 * onnxruntime-web in a worker, so that the page stays responsive. More than one thread needs a page that
 * is cross-origin isolated.
 *
 * @throws BackendError `backend/unavailable` when onnxruntime-web does not start or lacks the device,
 * ConfigError `config/threads`, `config/device`.
 */
export async function webEngine(options: WebEngineOptions = {}): Promise<RuntimeEngine> {
  const isolated = globalThis.crossOriginIsolated === true;
  const { threads = isolated ? Math.min(navigator.hardwareConcurrency, 4) : 1 } = options;
  const { device = 'cpu', wasmPaths } = options;
  checkOptions(threads, device);
  if (threads > 1 && !isolated) {
    throw new BackendError({
      code: 'backend/unavailable',
      where: 'onnx',
      expected: 'one thread on a page that is not cross-origin isolated',
      got: `threads: ${threads}`,
      fix: 'Serve the page with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.',
    });
  }
  const worker = new Worker(new URL('./web-worker.js', import.meta.url), { type: 'module' });
  const link = new Link(webPort(worker));
  try {
    const { version } = await link.request('start', {
      threads,
      device,
      ...(wasmPaths !== undefined && { wasmPaths: absolute(wasmPaths) }),
    });
    const description = describeEngine(version, device, threads);
    return workerEngine(link, { description, prepare: prepareFetched });
  } catch (error) {
    await link.end();
    throw unavailable(error, device);
  }
}

/** A worker has another address than the page. */
function absolute(paths: NonNullable<WebEngineOptions['wasmPaths']>): typeof paths {
  const resolve = (path: string): string => new URL(path, location.href).href;
  if (typeof paths === 'string') return resolve(paths);
  return Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, resolve(path)]));
}

function unavailable(error: unknown, device: Device): BackendError {
  const lacking = error instanceof RequestFailed && error.failure.reason === 'no-device';
  return new BackendError({
    code: 'backend/unavailable',
    where: 'onnx',
    expected: `an onnxruntime-web that runs on '${device}'`,
    got: BackendError.isInstance(error) ? error.got : (error as Error).message,
    fix: lacking
      ? 'Say where its .wasm files lie (wasmPaths), or take another device.'
      : 'Install onnxruntime-web@1.30.0, and have the bundler take web-worker.js of @imglish/backend-onnx as a module worker.',
    cause: error,
  });
}

function webPort(worker: Worker): Port {
  return {
    post: (request, transfer) => worker.postMessage(request, transfer),
    listen(onReply, onLost) {
      worker.addEventListener('message', ({ data }) => onReply(data));
      worker.addEventListener('messageerror', () => onLost('a message that cannot be read'));
      worker.addEventListener('error', ({ message }) => onLost(message || 'a script that fails'));
    },
    hold() {}, // no page waits for a worker
    async end() {
      worker.terminate();
    },
  };
}
