import type {
  Compiled,
  CompileOptions,
  Compiler,
  HostTensor,
  Region,
  RegionView,
  TensorMap,
  TensorSpec,
  Traceable,
} from '@imglish/core';
import { dispose, type Tensor, tensor, tidy, util, zeros } from '@tensorflow/tfjs-core';

/** A compiler that runs functions op by op on the current tfjs backend, and checks how it is used. */
export interface EagerCompiler extends Compiler {
  /** Names of the functions compiled, in order. */
  readonly compilations: string[];
  /** Names of the functions run, in order. */
  readonly runs: string[];
  /** Functions and regions not disposed. */
  open(): number;
}

type Inputs = Readonly<Record<string, HostTensor | RegionView>>;

export function eagerCompiler(description = 'eager'): EagerCompiler {
  const compilations: string[] = [];
  const runs: string[] = [];
  let open = 0;

  async function compile(
    f: Traceable,
    example: Readonly<Record<string, TensorSpec>>,
    { name = 'unnamed', inPlace = {} }: CompileOptions = {},
  ): Promise<Compiled> {
    await turn();
    compilations.push(name);
    const shapes = recordedShapes(f, example);
    for (const [output, inputs] of Object.entries(inPlace)) {
      const [whole, ...parts] = [inputs].flat() as [string, ...string[]];
      expectSame(`${output} in place of ${whole}`, shapes[output], example[whole]?.shape);
      for (const part of parts) expectSame(part, example[part]?.dtype, 'float32');
    }
    open += 1;
    let closed = false;
    return {
      async run(inputs, { into = {} } = {}) {
        if (closed) throw new Error(`${name} runs after it was disposed`);
        runs.push(name);
        await turn();
        expectSame('names', Object.keys(inputs).sort(), Object.keys(example).sort());
        for (const [input, { shape, dtype }] of Object.entries(example)) {
          const given = inputs[input]!;
          expectSame(`input ${input}`, [given.dtype, given.shape], [dtype, shape]);
        }
        expectApart(inputs, into, inPlace);
        const outputs = await evaluate(f, inputs);
        const result: Record<string, HostTensor> = {};
        for (const [output, value] of Object.entries(outputs)) {
          expectSame(`output ${output}`, value.shape, shapes[output]);
          const place = into[output];
          if (!place) result[output] = value;
          else {
            expectSame(`into ${output}`, place.shape, value.shape);
            await place.region.write(value.data as Float32Array, place.offset);
          }
        }
        return result;
      },
      async dispose() {
        if (!closed) open -= 1;
        closed = true;
      },
    };
  }

  async function reserve(length: number): Promise<Region> {
    const values = new Float32Array(length);
    open += 1;
    let closed = false;
    const part = (offset: number, count: number): Float32Array => {
      if (closed) throw new Error('a region is used after it was disposed');
      if (offset < 0 || offset + count > length) throw new Error('outside of the region');
      return values.subarray(offset, offset + count);
    };
    const region: Region = {
      length,
      write: async (given, offset = 0) => {
        await turn();
        part(offset, given.length).set(given);
      },
      read: async (offset = 0, count = length - offset) => {
        await turn();
        return part(offset, count).slice();
      },
      view: (offset, shape) => {
        part(offset, util.sizeFromShape([...shape]));
        return { dtype: 'float32', shape, region, offset };
      },
      dispose: async () => {
        if (!closed) open -= 1;
        closed = true;
      },
    };
    return region;
  }

  return { description, compile, reserve, compilations, runs, open: () => open };
}

/** Records nothing, but sees shapes. */
function recordedShapes(
  f: Traceable,
  example: Readonly<Record<string, TensorSpec>>,
): Record<string, number[]> {
  return tidy(() => {
    const inputs: Record<string, Tensor> = {};
    for (const [name, { shape, dtype }] of Object.entries(example)) {
      inputs[name] = zeros([...shape], dtype);
    }
    const outputs = Object.entries(f(inputs, {}));
    return Object.fromEntries(outputs.map(([name, { shape }]) => [name, shape]));
  });
}

async function evaluate(f: Traceable, inputs: Inputs): Promise<Record<string, HostTensor>> {
  const tensors: Record<string, Tensor> = {};
  for (const [name, given] of Object.entries(inputs)) {
    const data =
      'region' in given
        ? await given.region.read(given.offset, util.sizeFromShape([...given.shape]))
        : given.data;
    tensors[name] = tensor(data.slice(), [...given.shape], given.dtype);
  }
  const outputs: TensorMap = f(tensors, {});
  const values: Record<string, HostTensor> = {};
  for (const [name, output] of Object.entries(outputs)) {
    const { shape, dtype } = output;
    values[name] = { shape, dtype, data: (await output.data()).slice() } as HostTensor;
  }
  dispose(outputs as Record<string, Tensor>);
  dispose(tensors);
  return values;
}

/** An output is exactly where the first input is that it is in place of, around the others, and apart from all else. */
function expectApart(
  inputs: Inputs,
  into: Readonly<Record<string, RegionView>>,
  inPlace: NonNullable<CompileOptions['inPlace']>,
): void {
  const range = ({ offset, shape }: RegionView) => [
    offset,
    offset + util.sizeFromShape([...shape]),
  ];
  for (const [output, place] of Object.entries(into)) {
    const [start, end] = range(place) as [number, number];
    const [whole, ...parts] = [inPlace[output] ?? []].flat();
    const others = Object.entries({ ...inputs, ...into }).filter(([name]) => name !== output);
    for (const [name, given] of whole ? [...others, [whole, inputs[whole]!] as const] : others) {
      if (!('region' in given) || given.region !== place.region) continue;
      const [from, to] = range(given) as [number, number];
      if (to <= start || end <= from) continue;
      if (name === whole && from === start && to === end) continue;
      if (parts.includes(name) && start <= from && to <= end) continue;
      throw new Error(`${output} at ${start} to ${end} and ${name} at ${from} to ${to}`);
    }
  }
}

function expectSame(what: string, actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`);
}

/** Lets whoever else runs take a turn, as a worker's answer would. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
