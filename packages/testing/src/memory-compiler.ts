import { dispose, type Tensor, tensor, tidy, util, zeros } from '@tensorflow/tfjs-core';

/**
 * Stands in for a compiler of `@imglish/core` (its `Compiler`) without an engine: regions are arrays,
 * functions are computed op by op on the current tfjs backend. It checks how it is used, and throws where
 * names, types, shapes or places are not what was compiled.
 */
export interface MemoryCompiler {
  readonly description: string;
  compile(f: Traceable, example: Named<Spec>, options?: CompileOptions): Promise<Compiled>;
  reserve(length: number): Promise<Region>;
  /** What was compiled, in order: shapes of inputs by name. */
  readonly compiled: readonly {
    readonly name: string | undefined;
    readonly example: Named<readonly number[]>;
    readonly freeSizes?: object | undefined;
  }[];
  /** Names of the functions run, in order. */
  readonly runs: readonly (string | undefined)[];
  /** Writes to regions, those of outputs too. */
  writes(): number;
  /** Functions and regions that are not disposed. */
  open(): number;
  /** Makes the next run fail. */
  fail(error: Error): void;
}

export interface MemoryCompilerOptions {
  /** Default `memory`. */
  description?: string;
  /** Takes inputs of other sizes than were compiled, of the same rank. Default false. */
  anySize?: boolean;
}

// The shapes of core's interfaces, of which this package knows nothing: core's tests use it.

type Named<T> = Readonly<Record<string, T>>;
type Traceable = (inputs: Named<Tensor>, parameters: Named<Tensor>) => Named<Tensor>;

interface Spec {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
}

type HostTensor =
  | { readonly dtype: 'float32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'int32'; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: 'bool'; readonly shape: readonly number[]; readonly data: Uint8Array };

interface Region {
  readonly length: number;
  write(values: Float32Array, offset?: number): Promise<void>;
  read(offset?: number, length?: number): Promise<Float32Array>;
  view(offset: number, shape: readonly number[]): RegionView;
  dispose(): Promise<void>;
}

interface RegionView {
  readonly dtype: 'float32';
  readonly shape: readonly number[];
  readonly region: Region;
  readonly offset: number;
}

type Inputs = Named<HostTensor | RegionView>;
type InPlace = Named<string | readonly [string, ...string[]]>;

interface CompileOptions {
  readonly name?: string;
  readonly inPlace?: InPlace;
  readonly freeSizes?: object;
  readonly parameters?: Named<{
    readonly shape: readonly number[];
    readonly place: RegionView | { readonly file: string };
  }>;
}

interface Compiled {
  run(
    inputs: Inputs,
    options?: { readonly into?: Named<RegionView> },
  ): Promise<Record<string, HostTensor>>;
  dispose(): Promise<void>;
}

export function memoryCompiler({
  description = 'memory',
  anySize = false,
}: MemoryCompilerOptions = {}): MemoryCompiler {
  const compiled: MemoryCompiler['compiled'][number][] = [];
  const runs: (string | undefined)[] = [];
  let open = 0;
  let writes = 0;
  let failure: Error | undefined;
  const sizes = ({ shape }: { shape: readonly number[] }) => (anySize ? shape.length : shape);

  async function compile(
    f: Traceable,
    example: Named<Spec>,
    { name, inPlace = {}, freeSizes, parameters = {} }: CompileOptions = {},
  ): Promise<Compiled> {
    await turn();
    compiled.push({ name, example: mapValues(example, ({ shape }) => shape), freeSizes });
    const places = mapValues(parameters, ({ shape, place }): RegionView => {
      if ('region' in place) return { ...place, shape };
      throw new Error(`no files here: ${place.file}`);
    });
    const blank = mapValues(
      example,
      ({ shape, dtype }) =>
        () =>
          zeros([...shape], dtype),
    );
    const shapes = await computed(f, blank, places, (outputs) =>
      mapValues(outputs, ({ shape }) => ({ shape })),
    );
    for (const [output, inputs] of Object.entries(inPlace)) {
      const [whole, ...parts] = [inputs].flat() as [string, ...string[]];
      expectSame(`${output} in place of ${whole}`, shapes[output]?.shape, example[whole]?.shape);
      for (const part of parts) expectSame(part, example[part]?.dtype, 'float32');
    }
    open += 1;
    let closed = false;
    return {
      async run(inputs, { into = {} } = {}) {
        if (closed) throw new Error(`${name} runs after it was disposed`);
        runs.push(name);
        await turn();
        if (failure) {
          const error = failure;
          failure = undefined;
          throw error;
        }
        expectSame('names', Object.keys(inputs).sort(), Object.keys(example).sort());
        for (const [input, spec] of Object.entries(example)) {
          const given = inputs[input]!;
          expectSame(`input ${input}`, [given.dtype, sizes(given)], [spec.dtype, sizes(spec)]);
        }
        expectApart(inputs, into, inPlace);
        const outputs = await evaluate(f, inputs, places);
        for (const [output, value] of Object.entries(outputs)) {
          expectSame(`output ${output}`, sizes(value), sizes(shapes[output]!));
          const place = into[output];
          if (!place) continue;
          expectSame(`into ${output}`, place.shape, value.shape);
          await place.region.write(value.data as Float32Array, place.offset);
          delete outputs[output];
        }
        return outputs;
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
      async write(given, offset = 0) {
        await turn();
        writes += 1;
        part(offset, given.length).set(given);
      },
      async read(offset = 0, count = length - offset) {
        await turn();
        return part(offset, count).slice();
      },
      view(offset, shape) {
        part(offset, util.sizeFromShape([...shape]));
        return { dtype: 'float32', shape, region, offset };
      },
      async dispose() {
        if (!closed) open -= 1;
        closed = true;
      },
    };
    return region;
  }

  return {
    ...{ description, compile, reserve, compiled, runs },
    writes: () => writes,
    open: () => open,
    fail: (error) => {
      failure = error;
    },
  };
}

/** Computes `f`, reads what it gives and disposes it. */
async function computed<T>(
  f: Traceable,
  inputs: Named<() => Tensor>,
  places: Named<RegionView>,
  read: (outputs: Named<Tensor>) => T | Promise<T>,
): Promise<T> {
  const values = await eachOf(places, valuesIn);
  const tensors = mapValues(inputs, (make) => make());
  const parameters = mapValues(places, ({ shape }, name) => tensor(values[name]!, [...shape]));
  try {
    const outputs = tidy(() => f(tensors, parameters) as Record<string, Tensor>);
    try {
      return await read(outputs);
    } finally {
      dispose(outputs);
    }
  } finally {
    dispose([tensors, parameters] as never);
  }
}

async function evaluate(
  f: Traceable,
  inputs: Inputs,
  places: Named<RegionView>,
): Promise<Record<string, HostTensor>> {
  const given = await eachOf(inputs, async (input) => {
    const data = 'region' in input ? await valuesIn(input) : input.data.slice();
    return () => tensor(data, [...input.shape], input.dtype);
  });
  return computed(f, given, places, async (outputs) => {
    const values: Record<string, HostTensor> = {};
    for (const [name, output] of Object.entries(outputs)) {
      const { shape, dtype } = output;
      values[name] = { shape, dtype, data: (await output.data()).slice() } as HostTensor;
    }
    return values;
  });
}

function valuesIn({ region, offset, shape }: RegionView): Promise<Float32Array> {
  return region.read(offset, util.sizeFromShape([...shape]));
}

/** An output is exactly where the first input is that it is in place of, around the others, and apart from all else. */
function expectApart(inputs: Inputs, into: Named<RegionView>, inPlace: InPlace): void {
  const range = ({ offset, shape }: RegionView): [number, number] => [
    offset,
    offset + util.sizeFromShape([...shape]),
  ];
  for (const [output, place] of Object.entries(into)) {
    const [start, end] = range(place);
    const [whole, ...parts] = [inPlace[output] ?? []].flat();
    const others = Object.entries({ ...inputs, ...into }).filter(([name]) => name !== output);
    for (const [name, given] of whole ? [...others, [whole, inputs[whole]!] as const] : others) {
      if (!('region' in given) || given.region !== place.region) continue;
      const [from, to] = range(given);
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

function mapValues<T, U>(record: Named<T>, map: (value: T, key: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}

/** All at once. */
async function eachOf<T, U>(
  record: Named<T>,
  map: (value: T) => Promise<U>,
): Promise<Record<string, U>> {
  const entries = Object.entries(record).map(async ([key, value]) => [key, await map(value)]);
  return Object.fromEntries(await Promise.all(entries));
}

/** Lets whoever else runs take a turn, as a worker's answer would. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
