import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { BackendError, ConfigError } from '../errors/errors.js';
import { disposeAll, type Parameters } from '../parameters/parameters.js';
import type { Backend } from './backend.js';
import type {
  Compiled,
  CompileOptions,
  Compiler,
  HostTensorMap,
  ParameterPlace,
  ParameterSource,
  Region,
  Traceable,
} from './compiler.js';
import { checkHostTensor, specOf, toHost, toTensor } from './host-tensor.js';

/**
 * Runs functions of tensors on values of the host, always with the same parameters. Whether they are
 * compiled first, or run op by op, makes no difference to who calls it.
 */
export interface Executor {
  /**
   * The outputs of `f`, read. `f` is to be the same function every time: a compiled one is kept for
   * it, and for each set of names, types and ranks of inputs it is run on.
   *
   * @throws ShapeError `shape/host-tensor`, BackendError `backend/disposed`, and what `f` or the
   * compiler throws.
   */
  run(f: Traceable, inputs: HostTensorMap): Promise<HostTensorMap>;
  /** Frees all that it made. The parameters that it was given stay. */
  dispose(): Promise<void>;
}

/** Runs functions op by op on the current backend. */
export function eagerExecutor(parameters: Parameters = {}): Executor {
  let disposed = false;
  return {
    async run(f: Traceable, inputs: HostTensorMap): Promise<HostTensorMap> {
      if (disposed) refuseDisposed();
      check(inputs);
      // Clones: what `f` gives may be an input or a parameter, or the same tensor under two names.
      const outputs = tidy(() =>
        mapped(f(mapped(inputs, toTensor), parameters), (output) => output.clone()),
      );
      try {
        const read = Object.entries(outputs).map(async ([name, output]) => [
          name,
          await toHost(output),
        ]);
        return Object.fromEntries(await Promise.all(read)) as HostTensorMap;
      } finally {
        disposeAll(outputs);
      }
    },
    async dispose(): Promise<void> {
      disposed = true;
    },
  };
}

export type CompiledExecutorOptions = Pick<CompileOptions, 'freeSizes'>;

/**
 * Compiles every function it is given, once, and runs that.
 *
 * Tensors among the parameters are copied into one region of the engine at the first run and may be
 * disposed after it; a `ParameterSource` stays where it is. Of `freeSizes` each function takes those
 * of its own inputs.
 */
export function compiledExecutor(
  compiler: Compiler,
  parameters: Parameters | ParameterSource = {},
  { freeSizes }: CompiledExecutorOptions = {},
): Executor {
  const compiledBy = new Map<Traceable, Map<string, Promise<Compiled>>>();
  let placed: Promise<PlacedParameters> | undefined;
  let disposed = false;

  const compile = async (f: Traceable, inputs: HostTensorMap): Promise<Compiled> => {
    placed ??= placeParameters(compiler, parameters);
    placed.catch(() => {
      placed = undefined;
    });
    const own = Object.entries(freeSizes ?? {}).filter(([name]) => name in inputs);
    return compiler.compile(f, mapped(inputs, specOf), {
      parameters: (await placed).source,
      ...(own.length > 0 ? { freeSizes: Object.fromEntries(own) } : {}),
      ...(f.name ? { name: f.name } : {}),
    });
  };
  const compiledFor = (f: Traceable, inputs: HostTensorMap): Promise<Compiled> => {
    const variants = compiledBy.get(f) ?? new Map<string, Promise<Compiled>>();
    compiledBy.set(f, variants);
    const key = signature(inputs);
    let compiled = variants.get(key);
    if (!compiled) {
      compiled = compile(f, inputs);
      variants.set(key, compiled);
      // What failed is not kept: the reason may be gone next time.
      compiled.catch(() => variants.delete(key));
    }
    return compiled;
  };

  return {
    async run(f: Traceable, inputs: HostTensorMap): Promise<HostTensorMap> {
      if (disposed) refuseDisposed();
      check(inputs);
      return (await compiledFor(f, inputs)).run(inputs);
    },
    async dispose(): Promise<void> {
      if (disposed) return;
      disposed = true;
      const all = [...compiledBy.values()].flatMap((variants) => [...variants.values()]);
      for (const compiled of await Promise.allSettled(all)) {
        if (compiled.status === 'fulfilled') await compiled.value.dispose();
      }
      compiledBy.clear();
      const [region] = await Promise.allSettled([placed]);
      if (region?.status === 'fulfilled') await region.value?.region?.dispose();
    },
  };
}

/**
 * Compiled where the backend can, with the options; op by op where it cannot, which needs none of
 * them. The backend is to be the current one.
 */
export function executorFor(
  { compiler }: Pick<Backend, 'compiler'>,
  parameters: Parameters = {},
  options: CompiledExecutorOptions = {},
): Executor {
  return compiler ? compiledExecutor(compiler, parameters, options) : eagerExecutor(parameters);
}

/** Parameters as `compile` takes them. */
export interface PlacedParameters {
  readonly source: ParameterSource;
  /** What was reserved for those that were tensors; dispose it after the last run. */
  readonly region?: Region;
}

/**
 * Says where each parameter is; tensors are first written into a region, one after the other, and may
 * be disposed then.
 *
 * @throws ConfigError `config/parameter-type` for a tensor that is not float32.
 */
export async function placeParameters(
  compiler: Compiler,
  parameters: Readonly<Record<string, Tensor | ParameterPlace>>,
): Promise<PlacedParameters> {
  const source: Record<string, ParameterPlace> = {};
  const tensors: [string, Tensor][] = [];
  for (const [name, parameter] of Object.entries(parameters)) {
    if ('place' in parameter) source[name] = parameter;
    else tensors.push([name, requireFloat32(name, parameter)]);
  }
  const total = tensors.reduce((sum, [, { size }]) => sum + size, 0);
  if (total === 0) return { source };
  const region = await compiler.reserve(total);
  try {
    let offset = 0;
    for (const [name, parameter] of tensors) {
      await region.write(await parameter.data<'float32'>(), offset);
      source[name] = { shape: parameter.shape, place: region.view(offset, parameter.shape) };
      offset += parameter.size;
    }
    return { source, region };
  } catch (error) {
    await region.dispose();
    throw error;
  }
}

function requireFloat32(name: string, parameter: Tensor): Tensor {
  if (parameter.dtype === 'float32') return parameter;
  throw new ConfigError({
    code: 'config/parameter-type',
    where: 'placeParameters',
    expected: `a parameter ${name} of float32`,
    got: parameter.dtype,
  });
}

function check(inputs: HostTensorMap): void {
  for (const [name, input] of Object.entries(inputs)) checkHostTensor('Executor.run', name, input);
}

/** What one compiled function serves; other shapes of the same rank are the compiler's to handle. */
function signature(inputs: HostTensorMap): string {
  const parts = Object.entries(inputs).map(([name, { dtype, shape }]) => [
    name,
    dtype,
    shape.length,
  ]);
  return JSON.stringify(parts.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

function mapped<A, B>(map: Readonly<Record<string, A>>, f: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, f(value)]));
}

function refuseDisposed(): never {
  throw new BackendError({
    code: 'backend/disposed',
    where: 'Executor.run',
    expected: 'an executor that is open',
    got: 'one that was disposed',
    fix: 'Make another.',
  });
}
