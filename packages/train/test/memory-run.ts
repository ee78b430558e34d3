import type { Run, StateSource, StepMetrics, ValueSource } from '../src/loop/contracts.js';
import { copyOf } from '../src/loop/state.js';

/** A run kept in memory, as bytes would be: what is saved is copied. */
export interface MemoryRun extends Run {
  saved: StateSource[];
  logged: StepMetrics[];
  /** The compiler that each restore was told of. */
  restored: (string | undefined)[];
}

export function memoryRun(every: number): MemoryRun {
  const saved: StateSource[] = [];
  const logged: StepMetrics[] = [];
  const restored: (string | undefined)[] = [];
  return {
    every,
    saved,
    logged,
    restored,
    async restore(compiler) {
      restored.push(compiler);
      const last = saved.at(-1);
      return last && { ...last, close: async () => {} };
    },
    save: async (state) => void saved.push(await copyOf(state)),
    log: async (metrics) => void logged.push(metrics),
  };
}

/** Zeros, or the given values, on the host. */
export function values(shape: number[], data?: Float32Array): ValueSource {
  const length = shape.reduce((product, size) => product * size, 1);
  const kept = data?.slice() ?? new Float32Array(length);
  return { shape, read: async () => kept };
}
