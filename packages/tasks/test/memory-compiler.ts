import {
  type Compiled,
  type Compiler,
  eagerExecutor,
  type HostTensor,
  type Region,
  type RegionView,
} from '@imglish/core';
import { dispose, type Tensor, tensor } from '@tensorflow/tfjs-core';

type Input = HostTensor | RegionView;

/** A `Compiler` whose regions are arrays and whose functions are computed op by op. */
export function memoryCompiler(): {
  compiler: Compiler;
  /** Functions and regions that are not disposed; names of what was compiled. */
  seen: { open: number; compiled: string[] };
  /** Makes the next run fail. */
  fail(error: Error): void;
} {
  const seen = { open: 0, compiled: [] as string[] };
  let failure: Error | undefined;
  const memories = new WeakMap<Region, Float32Array>();
  const part = ({ region, offset, shape }: RegionView): Float32Array =>
    memories.get(region)!.subarray(offset, offset + shape.reduce((size, n) => size * n, 1));
  const host = (input: Input): HostTensor =>
    'region' in input ? { dtype: 'float32', shape: input.shape, data: part(input).slice() } : input;
  const compiler: Compiler = {
    description: 'memory',
    async compile(f, example, { parameters: source = {}, name } = {}): Promise<Compiled> {
      seen.open++;
      seen.compiled.push(name ?? '');
      return {
        async run(inputs, { into = {} } = {}) {
          if (failure) {
            const error = failure;
            failure = undefined;
            throw error;
          }
          if (Object.keys(inputs).sort().join() !== Object.keys(example).sort().join()) {
            throw new Error(`inputs ${Object.keys(inputs)}`);
          }
          const parameters = Object.fromEntries(
            Object.entries(source).map(([key, { place, shape }]): [string, Tensor] => [
              key,
              tensor(part(place as RegionView).slice(), [...shape]),
            ]),
          );
          const given = Object.entries(inputs).map(([key, input]) => [key, host(input)]);
          const outputs = await eagerExecutor(parameters)
            .run(f, Object.fromEntries(given))
            .finally(() => dispose(parameters));
          for (const [key, view] of Object.entries(into)) {
            if (outputs[key]!.shape.join() !== view.shape.join())
              throw new Error(`shape of ${key}`);
            part(view).set(outputs[key]!.data as Float32Array);
          }
          return Object.fromEntries(Object.entries(outputs).filter(([key]) => !(key in into)));
        },
        async dispose() {
          seen.open--;
        },
      };
    },
    async reserve(length): Promise<Region> {
      seen.open++;
      const memory = new Float32Array(length);
      const region: Region = {
        length,
        write: async (values, offset = 0) => memory.set(values, offset),
        read: async (offset = 0, count = length - offset) => memory.slice(offset, offset + count),
        view: (offset, shape) => ({ dtype: 'float32', shape, region, offset }),
        async dispose() {
          seen.open--;
        },
      };
      memories.set(region, memory);
      return region;
    },
  };
  return {
    compiler,
    seen,
    fail(error) {
      failure = error;
    },
  };
}
