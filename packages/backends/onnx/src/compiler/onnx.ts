import { type Backend, ConfigError } from '@imglish/core';
import type { EngineOptions, RuntimeEngine } from '../runtime/engine.js';
import { type Build, onnxCompiler } from './compiler.js';

export interface OnnxOptions extends EngineOptions {
  /** Bytes that loaded models may take together; default 4 GiB. */
  readonly cacheBytes?: number;
}

/**
 * A backend that compiles: tensors that a program makes and reads, and ops outside compiled functions,
 * are those of `eager`, which it takes over (`dispose` gives it back too).
 */
export async function onnxBackend(
  eager: Backend,
  openEngine: () => Promise<RuntimeEngine>,
  build: Build,
  cacheBytes?: number,
): Promise<Backend> {
  if (cacheBytes !== undefined && !(cacheBytes > 0)) {
    throw new ConfigError({
      code: 'config/cache-bytes',
      where: 'onnx',
      expected: 'cacheBytes above 0',
      got: String(cacheBytes),
    });
  }
  const compiler = onnxCompiler(await openEngine(), build, {
    ...(cacheBytes !== undefined && { cacheBytes }),
  });
  return {
    name: 'onnx',
    compiler,
    get ready() {
      return eager.ready;
    },
    use: () => eager.use(),
    dispose() {
      eager.dispose();
      // Ends the worker; there is nobody who could wait for it.
      compiler.dispose().catch(() => {});
    },
  };
}

/** @throws ConfigError `config/unknown-key` */
export function refuseUnknown(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new ConfigError({
    code: 'config/unknown-key',
    where: 'onnx',
    expected: `options of ${known.join(', ')}`,
    got: unknown.join(', '),
  });
}
