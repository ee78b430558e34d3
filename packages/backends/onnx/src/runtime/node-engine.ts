import { realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { isAbsolute, parse, relative, sep } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BackendError, IoError } from '@imglish/core';
import type { OnnxModel } from '../lower/onnx-model.js';
import type { Device, EngineOptions, RuntimeEngine } from './engine.js';
import { checkOptions, describeEngine } from './engine-options.js';
import { movedWeights } from './external-weights.js';
import { Link, RequestFailed } from './link.js';
import { nodePort } from './node-port.js';
import { type Prepared, workerEngine } from './worker-engine.js';

/**
 * onnxruntime-node in a worker thread: the caller's event loop stays free, and the process ends by
 * itself when nothing is under way.
 *
 * @throws BackendError `backend/unavailable` when onnxruntime-node is not installed or lacks the device,
 * ConfigError `config/threads`, `config/device`.
 */
export async function nodeEngine(options: EngineOptions = {}): Promise<RuntimeEngine> {
  const { threads = Math.min(availableParallelism(), 16), device = 'cpu' } = options;
  checkOptions(threads, device);
  // Beside this file, as it lies in the sources and as the build puts it; bundlers look for these words.
  // It needs none of the program's flags, and one of them (--input-type) forbids workers.
  const worker = new Worker(new URL('./node-worker.js', import.meta.url), { execArgv: [] });
  const link = new Link(nodePort(worker));
  try {
    const { version } = await link.request('start', { threads, device });
    const system = `${process.platform} ${process.arch}`;
    return workerEngine(link, {
      description: describeEngine(version, device, threads, system),
      prepare,
    });
  } catch (error) {
    await link.end();
    throw unavailable(error, device);
  }
}

function unavailable(error: unknown, device: Device): BackendError {
  const details = { code: 'backend/unavailable', where: 'onnx', cause: error };
  if (!(error instanceof RequestFailed)) {
    return new BackendError({
      ...details,
      expected: 'a worker that starts',
      got: BackendError.isInstance(error) ? error.got : String(error),
      fix: 'If the application is bundled, leave @imglish/backend-onnx out of the bundle.',
    });
  }
  const { reason, message } = error.failure;
  if (reason === 'not-installed') {
    return new BackendError({
      ...details,
      expected: 'onnxruntime-node to be installed',
      got: message,
      fix: 'Run `npm install onnxruntime-node@1.30.0`.',
    });
  }
  return new BackendError({
    ...details,
    expected: `an onnxruntime-node that runs on '${device}'`,
    got: message,
  });
}

/**
 * The runtime maps files of weights into memory, but only those of one folder, and follows no link out of it.
 * So the folder is the root of the file system, and the model names every file by its real path below.
 */
async function prepare({ bytes, externalFiles }: OnnxModel, where: string): Promise<Prepared> {
  const files = new Map<string, string>();
  let folder: string | undefined;
  for (const [location, file] of Object.entries(externalFiles)) {
    const path = await realpath(file).catch((cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'ENOENT' ? 'io/not-found' : 'io/read';
      throw new IoError({ code, where, expected: `weights at ${file}`, got: cause.message, cause });
    });
    folder ??= parse(path).root;
    files.set(location, relative(folder, path));
  }
  let weightBytes = 0;
  const moved = movedWeights(bytes, ({ location, offset, elements }) => {
    weightBytes += elements * 4;
    const path = files.get(location);
    if (path !== undefined && !isAbsolute(path)) {
      return { location: path.split(sep).join('/'), offset };
    }
    throw new BackendError({
      code: 'backend/model-refused',
      where,
      expected: 'every file of weights that the model names in externalFiles, on one drive',
      got: `${location}: ${path ?? 'not there'}`,
    });
  });
  const config = folder !== undefined && { model_external_initializers_file_folder_path: folder };
  return { args: { bytes: moved, ...(config && { config }) }, weightBytes };
}
