import type { Backend } from '@imglish/core';
import { build } from './build.js';
import { type OnnxOptions, onnxBackend, refuseUnknown } from './compiler/onnx.js';
import { type WebEngineOptions, webEngine } from './runtime/web-engine.js';

export interface OnnxWebOptions extends OnnxOptions, WebEngineOptions {}

/**
 * A backend whose compiler traces tfjs functions and runs them on onnxruntime-web, in a worker of the
 * page. Tensors and ops outside compiled functions are those of `eager`, which it takes over:
 * `dispose` gives both back. For Node: `@imglish/backend-onnx/node`.
 *
 * @throws BackendError `backend/unavailable` when onnxruntime-web does not start or does not run on the
 * device, ConfigError for options that cannot be.
 */
export async function onnx(eager: Backend, options: OnnxWebOptions = {}): Promise<Backend> {
  refuseUnknown(options, ['threads', 'device', 'cacheBytes', 'wasmPaths']);
  const { cacheBytes, ...engine } = options;
  return onnxBackend(eager, () => webEngine(engine), build, cacheBytes);
}
