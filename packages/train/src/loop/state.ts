import { type Parameters, TrainError } from '@imglish/core';
import { type Tensor, tensor, util } from '@tensorflow/tfjs-core';
import type { Communicator } from '../communicator/communicator.js';
import type { Moments } from '../optimizer/adamw.js';
import type {
  MomentsSource,
  Run,
  SavedState,
  StateSource,
  TrainState,
  ValueSource,
} from './contracts.js';

export interface Beginning {
  /** The caller's, who may dispose them while this goes on. */
  parameters: Parameters;
  run: Run | undefined;
  communicator: Communicator;
  /** `Compiler.description`. */
  compiler: string | undefined;
  /** Whether the run takes an average of its parameters. */
  averages: boolean;
}

/**
 * Lends `start` the state in which training begins: the run's last checkpoint, or step 0 with the
 * given parameters. Parameters are in the order of the model, and every rank reads what rank 0 has:
 * all of it, in the same order.
 */
export async function beginFrom<T>(
  { parameters, run, communicator, compiler, averages }: Beginning,
  start: (state: StateSource) => Promise<T>,
): Promise<T> {
  const given = cloneParameters(parameters);
  let saved: SavedState | undefined;
  try {
    saved = await run?.restore(compiler);
    if (!saved) {
      const average = averages ? given : undefined;
      const fresh = sourceOf({ step: 0, parameters: given, moments: {}, average });
      return await start(await sharedState(fresh, communicator));
    }
    assertAverage(saved, averages);
    // A sum over parameters must not depend on the order of a file.
    const inOrder = (found: Readonly<Record<string, ValueSource>>) => {
      assertSameShapes(found, given);
      return mapValues(given, (_, name) => found[name]!);
    };
    const state = {
      ...saved,
      parameters: inOrder(saved.parameters),
      average: saved.average && inOrder(saved.average),
    };
    return await start(await sharedState(state, communicator));
  } finally {
    disposeAll(given);
    await saved?.close();
  }
}

/** A state in tensors, which stay their owner's. */
export function sourceOf({ step, parameters, moments, average }: TrainState): StateSource {
  return {
    step,
    parameters: mapValues(parameters, valuesOf),
    moments: mapValues(moments, ({ step, m, v }) => ({ step, m: valuesOf(m), v: valuesOf(v) })),
    average: average && mapValues(average, valuesOf),
  };
}

/** A state on the host, which stays as it is when the given one changes. */
export async function copyOf(state: StateSource): Promise<StateSource> {
  const all = async (
    sources: Readonly<Record<string, ValueSource>>,
  ): Promise<Record<string, ValueSource>> => {
    const copies: Record<string, ValueSource> = {};
    for (const [name, source] of Object.entries(sources)) copies[name] = await copyValues(source);
    return copies;
  };
  const moments: Record<string, MomentsSource> = {};
  for (const [name, { step, m, v }] of Object.entries(state.moments)) {
    moments[name] = { step, m: await copyValues(m), v: await copyValues(v) };
  }
  return {
    ...state,
    parameters: await all(state.parameters),
    moments,
    average: state.average && (await all(state.average)),
  };
}

async function copyValues(source: ValueSource): Promise<ValueSource> {
  const values = (await source.read()).slice();
  return { ...source, read: async () => values };
}

/** Reads a state into tensors, which are the caller's. */
export async function tensorsOf(state: StateSource): Promise<TrainState> {
  const parameters: Record<string, Tensor> = {};
  const moments: Record<string, Moments> = {};
  const average: Record<string, Tensor> = {};
  try {
    for (const [name, values] of Object.entries(state.parameters)) {
      parameters[name] = await read(values);
    }
    for (const [name, values] of Object.entries(state.average ?? {})) {
      average[name] = await read(values);
    }
    for (const [name, { step, m, v }] of Object.entries(state.moments)) {
      const first = await read(m);
      const second = await read(v).catch((error) => {
        first.dispose();
        throw error;
      });
      moments[name] = { step, m: first, v: second };
    }
  } catch (error) {
    disposeState({ parameters, moments, average });
    throw error;
  }
  return { step: state.step, parameters, moments, average: state.average && average };
}

export function disposeState({
  parameters,
  moments,
  average = {},
}: Omit<TrainState, 'step'>): void {
  disposeAll(parameters);
  disposeAll(average);
  for (const { m, v } of Object.values(moments)) {
    m.dispose();
    v.dispose();
  }
}

export function disposeAll(tensors: Parameters): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}

export function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  map: (value: T, key: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}

/** New tensors that share the data of the given ones. */
function cloneParameters(parameters: Parameters): Record<string, Tensor> {
  return mapValues(parameters, (tensor) => tensor.clone());
}

function valuesOf(tensor: Tensor): ValueSource {
  return { shape: tensor.shape, read: async () => (await tensor.data()) as Float32Array };
}

async function read({ shape, read }: ValueSource): Promise<Tensor> {
  return tensor(await read(), [...shape], 'float32');
}

/** Rank 0's state on every rank. */
async function sharedState(state: StateSource, communicator: Communicator): Promise<StateSource> {
  if (communicator.size === 1) return state;
  const names = Object.keys(state.parameters);
  const [step, ...updates] = await communicator.broadcast([
    state.step,
    ...names.map((name) => state.moments[name]?.step ?? 0),
  ]);
  const shared = ({ shape, read }: ValueSource): ValueSource => ({
    shape,
    read: async () => communicator.broadcast(await read()),
  });
  const moments: Record<string, MomentsSource> = {};
  for (const [i, name] of names.entries()) {
    if (updates[i] === 0) continue;
    const none = zerosOf(state.parameters[name]!);
    const { m, v } = state.moments[name] ?? { m: none, v: none };
    moments[name] = { step: updates[i]!, m: shared(m), v: shared(v) };
  }
  return {
    ...state,
    step: step!,
    parameters: mapValues(state.parameters, shared),
    moments,
    average: state.average && mapValues(state.average, shared),
  };
}

function zerosOf({ shape }: ValueSource): ValueSource {
  return { shape, read: async () => new Float32Array(util.sizeFromShape([...shape])) };
}

function assertSameShapes(saved: StateSource['parameters'], parameters: Parameters): void {
  const names = new Set([...Object.keys(parameters), ...Object.keys(saved)]);
  const wrong = [...names].flatMap((name) => {
    const wanted = parameters[name]?.shape.join();
    const found = saved[name]?.shape.join();
    if (wanted === found) return [];
    return [
      `${name}: wanted ${wanted === undefined ? 'nothing' : `[${wanted}]`}, found ${found === undefined ? 'nothing' : `[${found}]`}`,
    ];
  });
  if (wrong.length > 0) {
    throw new TrainError({
      code: 'train/state',
      where: 'train',
      expected: 'a checkpoint with the parameters of this model',
      got: wrong.join('; '),
    });
  }
}

function assertAverage(saved: StateSource, averages: boolean): void {
  if (averages === (saved.average !== undefined)) return;
  throw new TrainError({
    code: 'train/state',
    where: 'train',
    expected: `a checkpoint ${averages ? 'with' : 'without'} an average of the parameters`,
    got: `one ${averages ? 'without' : 'with'} it`,
    fix: 'Go on with the `ema` that the run began with.',
  });
}
