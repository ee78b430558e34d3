import { availableParallelism, cpus } from 'node:os';
import { getBackend, version_core } from '@tensorflow/tfjs-core';

/** What the bits of a result depend on besides its inputs. */
export interface EngineDescription {
  /** Name of the tfjs backend. */
  readonly name: string;
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
  /** Platform, architecture and processor. */
  readonly machine: string;
  /** `Compiler.description`, where steps are compiled; a run adds it by itself. */
  readonly compiler?: string;
}

/** The current engine; `threads` defaults to the processors there are, `versions` are added. */
export function describeEngine(
  options: { threads?: number; versions?: Readonly<Record<string, string>> } = {},
): EngineDescription {
  const { threads = availableParallelism(), versions = {} } = options;
  const processor = cpus()[0]?.model ?? 'unknown processor';
  return {
    name: getBackend(),
    threads,
    versions: { node: process.versions.node, 'tfjs-core': version_core, ...versions },
    machine: `${process.platform} ${process.arch} ${processor}`,
  };
}
