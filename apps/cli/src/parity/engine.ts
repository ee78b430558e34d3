import {
  type Compiler,
  compiledExecutor,
  disposeAll,
  type Executor,
  eagerExecutor,
  type Parameters,
} from '@imglish/core';

/** What the checks run the model on. */
export interface Engine {
  /** Where there is none, everything is computed op by op. */
  readonly compiler?: Compiler;
  /** Share of a gradient's norm by which it may be off. */
  readonly gradientTolerance: number;
  /** Runs `body` with an executor of these parameters; frees it, and them, whatever happens. */
  withParameters<T>(parameters: Parameters, body: (executor: Executor) => Promise<T>): Promise<T>;
}

/**
 * Op by op on the current backend, or compiled.
 *
 * A compiled gradient may be off ten times as much: engines fuse and split its long sums over the
 * rows of a batch in other orders than the reference, and differently with every number of threads.
 */
export function parityEngine(compiler?: Compiler): Engine {
  return {
    ...(compiler && { compiler }),
    gradientTolerance: compiler ? 1e-4 : 1e-5,
    async withParameters(parameters, body) {
      const executor = compiler
        ? compiledExecutor(compiler, parameters)
        : eagerExecutor(parameters);
      try {
        return await body(executor);
      } finally {
        await executor.dispose();
        disposeAll(parameters);
      }
    },
  };
}
