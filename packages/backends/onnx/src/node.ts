import type { Backend, Directory, TensorSpec, Traceable } from '@imglish/core';
import { fileSource } from '@imglish/core/node';
import { build } from './build.js';
import { type OnnxOptions, onnxBackend, refuseUnknown } from './compiler/onnx.js';
import {
  type ExportedModel,
  type ExportOptions,
  exportOnnx as exportAnywhere,
} from './export/export-onnx.js';
import { nodeEngine } from './runtime/node-engine.js';

export * from './index.js';
export * from './runtime/open-onnx-model.js';

/**
 * A backend whose compiler traces tfjs functions and runs them on onnxruntime-node, in a worker
 * thread. Tensors and ops outside compiled functions are those of `eager`, which it takes over:
 * `dispose` gives both back.
 *
 * @throws BackendError `backend/unavailable` when onnxruntime-node is not installed or does not run on
 * the device, ConfigError for options that cannot be.
 */
export async function onnx(eager: Backend, options: OnnxOptions = {}): Promise<Backend> {
  refuseUnknown(options, ['threads', 'device', 'cacheBytes']);
  const { cacheBytes, ...engine } = options;
  return onnxBackend(eager, () => nodeEngine(engine), build, cacheBytes);
}

/** `exportOnnx` of the other entry, where the places of parameters are paths. */
export function exportOnnx(
  f: Traceable,
  example: Readonly<Record<string, TensorSpec>>,
  directory: Directory,
  options: ExportOptions,
): Promise<ExportedModel> {
  return exportAnywhere(f, example, directory, { open: fileSource, ...options });
}
