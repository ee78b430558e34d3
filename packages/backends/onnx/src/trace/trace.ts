import {
  BackendError,
  engine,
  type Parameters,
  type TensorSpec,
  type Traceable,
} from '@imglish/core';
import { getKernel, registerKernel, Tensor, zeros } from '@tensorflow/tfjs-core';
import type { ConstantData, Graph, NamedValue, Value } from '../graph/graph.js';
import { originOf } from '../graph/origin.js';
import { kernels } from '../kernels/index.js';
import { sizeOf } from '../runtime/shape.js';
import { missingKernels } from './missing-kernels.js';
import { type Captured, Recorder, TRACE_BACKEND } from './recorder.js';
import { isUniform, typedValues } from './values.js';

export interface TraceOptions {
  /** Names the graph. */
  name?: string;
  /** Shapes of what `f` gets as its second argument. */
  parameters?: Readonly<Record<string, TensorSpec>>;
}

/** A constant above this is a weight, and has no place in a graph. */
const MAX_CONSTANT_BYTES = 2 ** 20;
/** Deep enough to see past tfjs to who called the op. */
const STACK_FRAMES = 40;

/**
 * Records `f` on tensors of the given shapes and types, as a graph of the tfjs kernels it runs.
 *
 * The engine is as before when it returns or throws: current backend, tape, tensors. A tensor that
 * `f` uses without having been given it is copied as a constant, and stays its owner's.
 *
 * @throws BackendError `backend/not-traceable`: a value is looked at, kernels that cannot be recorded
 * (all of them are named); `backend/large-constant` for a captured tensor above 1 MB.
 */
export async function trace(
  f: Traceable,
  inputs: Readonly<Record<string, TensorSpec>>,
  { name = f.name || 'function', parameters = {} }: TraceOptions = {},
): Promise<Graph> {
  registerRecordingKernels();
  const recorder = new Recorder();
  let recorded: { outputs: NamedValue[]; given: NamedValue[]; held: NamedValue[] };
  try {
    recorded = onRecorder(recorder, () => recordedRun(f, recorder, inputs, parameters));
  } catch (error) {
    if (!/^Kernel '\w+' not registered/.test((error as Error).message)) throw error;
    throw await unknownKernels(f, inputs, parameters, error as Error);
  }
  const constants = new Map<Value, ConstantData>(recorder.constants);
  const captured = [...recorder.captured.values()].flat();
  const copies = captured.map((tensor) => copied(tensor)); // all are read before anything is awaited
  for (const [i, data] of (await Promise.all(copies)).entries()) {
    constants.set(captured[i]!.value, data);
  }
  return {
    name,
    inputs: recorded.given,
    parameters: recorded.held,
    constants,
    nodes: recorder.nodes,
    outputs: recorded.outputs,
  };
}

function recordedRun(
  f: Traceable,
  recorder: Recorder,
  inputs: Readonly<Record<string, TensorSpec>>,
  parameters: Readonly<Record<string, TensorSpec>>,
): { outputs: NamedValue[]; given: NamedValue[]; held: NamedValue[] } {
  const stand = (specs: Readonly<Record<string, TensorSpec>>) => {
    const tensors: Record<string, Tensor> = {};
    const values: NamedValue[] = [];
    for (const [name, spec] of Object.entries(specs)) {
      const { tensor, value } = recorder.argument(spec);
      tensors[name] = tensor;
      values.push({ name, value });
    }
    return { tensors, values };
  };
  const given = stand(inputs);
  const held = stand(parameters);
  const results = f(given.tensors, held.tensors as Parameters);
  const outputs = Object.entries(results).map(([name, tensor]) => {
    if (!(tensor instanceof Tensor)) {
      throw new BackendError({
        code: 'backend/not-traceable',
        where: 'trace',
        expected: 'a function that returns tensors by name',
        got: `${typeof tensor} as ${name}`,
      });
    }
    return { name, value: recorder.valueFor(tensor) };
  });
  return { outputs, given: given.values, held: held.values };
}

/** Runs `f` with the recorder as the current backend, and puts everything back. */
function onRecorder<T>(recorder: Recorder, f: () => T): T {
  const before = engine().backendName;
  const frames = Error.stackTraceLimit;
  engine().registerBackend(TRACE_BACKEND, () => recorder, 0);
  try {
    // A factory that is not asynchronous is current before the promise is settled.
    void engine().setBackend(TRACE_BACKEND);
    Error.stackTraceLimit = Math.max(frames, STACK_FRAMES);
    let result: T;
    engine().tidy(() => {
      result = f();
    });
    return result!;
  } finally {
    Error.stackTraceLimit = frames;
    engine().removeBackend(TRACE_BACKEND);
    if (before) void engine().setBackend(before);
  }
}

/** The recording kernels have the names of the real ones, on a backend of their own. */
function registerRecordingKernels(): void {
  for (const kernel of kernels.values()) {
    if (getKernel(kernel.name, TRACE_BACKEND)) continue;
    registerKernel({
      kernelName: kernel.name,
      backendName: TRACE_BACKEND,
      kernelFunc: ({ inputs, attrs, backend }) =>
        (backend as Recorder).record(kernel, inputs, attrs ?? {}),
    });
  }
}

async function copied({ value, dataId, origin }: Captured): Promise<ConstantData> {
  const info = (
    engine().state.tensorInfo as unknown as { get(key: object): object | undefined }
  ).get(dataId);
  const bytes = 4 * sizeOf(value.shape as number[]);
  if (!info || bytes > MAX_CONSTANT_BYTES) {
    throw new BackendError({
      code: info ? 'backend/large-constant' : 'backend/not-traceable',
      where: 'trace',
      expected: info
        ? `captured tensors of at most ${MAX_CONSTANT_BYTES} bytes`
        : 'captured tensors that are there',
      got: `one of shape [${value.shape}]${info ? `, ${bytes} bytes` : ' that is disposed'} (${originOf(origin)})`,
      fix: info
        ? 'Give it as an input, or as one of the parameters.'
        : 'Keep it until it is traced.',
    });
  }
  const data = typedValues((await engine().read(dataId)) as ArrayLike<number>, value.dtype);
  return isUniform(data) ? { uniform: data[0]! } : { data };
}

async function unknownKernels(
  f: Traceable,
  inputs: Readonly<Record<string, TensorSpec>>,
  parameters: Readonly<Record<string, TensorSpec>>,
  cause: Error,
): Promise<BackendError> {
  const blank = (specs: Readonly<Record<string, TensorSpec>>) =>
    Object.fromEntries(
      Object.entries(specs).map(([name, { shape, dtype }]) => [name, zeros([...shape], dtype)]),
    );
  const run = () => {
    f(blank(inputs), blank(parameters) as Parameters);
  };
  const first = /^Kernel '(\w+)'/.exec(cause.message)![1]!;
  // Where it cannot be run for real either, the first one is all that is known.
  const missing = await missingKernels(run).catch(() => [first]);
  return new BackendError({
    code: 'backend/not-traceable',
    where: 'trace',
    expected: 'kernels that can be recorded',
    got: `${[...new Set([...missing, first])].sort().join(', ')} (the first ${originOf(cause)})`,
    fix: 'Write the function without them, or compute that part outside and give the result as an input.',
    cause,
  });
}
