import {
  type Compiled,
  type CompileOptions,
  type Compiler,
  type HostTensor,
  type RegionView,
  type TensorMap,
  type TensorSpec,
  TrainError,
} from '@imglish/core';
import { tidy } from '@tensorflow/tfjs-core';

export type InPlace = NonNullable<CompileOptions['inPlace']>;

export type RunInputs = Readonly<Record<string, HostTensor | RegionView>>;

/** Compiles a function for inputs like the given ones; what it makes besides its results is disposed. */
export function compileFor(
  compiler: Compiler,
  name: string,
  inputs: RunInputs,
  inPlace: InPlace,
  f: (inputs: TensorMap) => TensorMap,
): Promise<Compiled> {
  const example = Object.entries(inputs).map(([input, { dtype, shape }]) => {
    return [input, { dtype, shape } satisfies TensorSpec] as const;
  });
  const recorded = (given: TensorMap): TensorMap => tidy(() => f(given));
  return compiler.compile(recorded, Object.fromEntries(example), { name, inPlace });
}

/** A float32 scalar on the host. */
export function hostScalar(value: number): HostTensor {
  return { dtype: 'float32', shape: [], data: Float32Array.of(value) };
}

/** Compiled functions by key; those not used for longest are freed. */
export class FunctionCache<T extends { dispose(): Promise<void> }> {
  private readonly entries: Map<string, T> = new Map();

  constructor(private readonly room: number) {}

  /** What is kept under the key, if it `holds`; else what is made in its place. */
  async get(
    key: string,
    make: (before: T | undefined) => Promise<T>,
    holds: (found: T) => boolean = () => true,
  ): Promise<T> {
    const before = this.entries.get(key);
    let found = before;
    if (!found || !holds(found)) {
      found = await make(before);
      await before?.dispose();
    }
    this.entries.delete(key);
    this.entries.set(key, found);
    for (const [old, entry] of this.entries) {
      if (this.entries.size <= this.room) break;
      this.entries.delete(old);
      await entry.dispose();
    }
    return found;
  }

  async dispose(): Promise<void> {
    for (const entry of this.entries.values()) await entry.dispose();
    this.entries.clear();
  }
}

/** For a loss that is not the same whenever it is recorded. */
export function unsteady(): TrainError {
  return new TrainError({
    code: 'train/unsteady-loss',
    where: 'train',
    expected: 'a loss that reaches the same parameters whenever it sees the same batch',
    got: 'others than before',
  });
}
