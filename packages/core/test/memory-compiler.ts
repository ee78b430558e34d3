import { dispose, type Tensor, tensor, tidy, zeros } from '@tensorflow/tfjs-core';
import type {
  Compiled,
  Compiler,
  HostTensor,
  HostTensorMap,
  ParameterPlace,
  Region,
  RegionView,
} from '../src/backend/compiler.js';
import { eagerExecutor } from '../src/backend/executor.js';
import type { Parameters } from '../src/parameters/parameters.js';

/** What was asked of a `memoryCompiler`. */
export interface Seen {
  compiled: { name?: string; example: Record<string, readonly number[]>; freeSizes?: object }[];
  runs: number;
  /** Compiled functions and regions that are not disposed. */
  open: number;
  writes: number;
}

/** A `Compiler` that keeps regions in arrays and computes op by op: the contract without an engine. */
export function memoryCompiler(): { compiler: Compiler; seen: Seen } {
  const seen: Seen = { compiled: [], runs: 0, open: 0, writes: 0 };
  const memories = new WeakMap<Region, Float32Array>();

  const valuesOf = ({ place, shape }: ParameterPlace): Float32Array => {
    if (!('region' in place)) throw new Error(`no files here: ${place.file}`);
    const length = shape.reduce((product, size) => product * size, 1);
    return memories.get(place.region)!.slice(place.offset, place.offset + length);
  };

  const compiler: Compiler = {
    description: 'memory',
    async compile(f, example, options = {}): Promise<Compiled> {
      const { parameters: source = {}, name, freeSizes } = options;
      const shapes = Object.entries(example).map(([input, { shape }]) => [input, shape]);
      const parameters = (): Parameters =>
        Object.fromEntries(
          Object.entries(source).map(([key, place]) => [
            key,
            tensor(valuesOf(place), [...place.shape]),
          ]),
        );
      // Looks at the function as a trace does: once, at values that mean nothing.
      tidy(() => {
        const inputs = Object.entries(example).map(([input, { shape, dtype }]) => [
          input,
          zeros([...shape], dtype),
        ]);
        f(Object.fromEntries(inputs) as Record<string, Tensor>, parameters());
      });
      seen.compiled.push({
        example: Object.fromEntries(shapes),
        ...(name === undefined ? {} : { name }),
        ...(freeSizes ? { freeSizes } : {}),
      });
      seen.open++;
      return {
        async run(inputs): Promise<HostTensorMap> {
          seen.runs++;
          const given = parameters();
          try {
            return await eagerExecutor(given).run(f, inputs as Record<string, HostTensor>);
          } finally {
            dispose(given as Record<string, Tensor>);
          }
        },
        async dispose(): Promise<void> {
          seen.open--;
        },
      };
    },
    async reserve(length): Promise<Region> {
      seen.open++;
      const memory = new Float32Array(length);
      const region: Region = {
        length,
        async write(values, offset = 0): Promise<void> {
          seen.writes++;
          memory.set(values, offset);
        },
        read: async (offset = 0, count = length - offset) => memory.slice(offset, offset + count),
        view: (offset, shape): RegionView => ({ dtype: 'float32', shape, region, offset }),
        async dispose(): Promise<void> {
          seen.open--;
        },
      };
      memories.set(region, memory);
      return region;
    },
  };
  return { compiler, seen };
}
