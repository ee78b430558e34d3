import type { HostDType, TensorSpec } from '@imglish/core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Attribute, Attributes, Graph, Node, Value } from '../src/graph/graph.js';
import { interpolate, type Size } from '../src/graph/size.js';
import { kernels } from '../src/kernels/index.js';
import { lower } from '../src/lower/lower.js';
import type { OnnxModel } from '../src/lower/onnx-model.js';

/** Values of a tensor, as both engines are given and give them. */
export interface Given extends TensorSpec {
  readonly values: readonly number[];
}

/** What a kernel is called with. */
export interface Call {
  readonly inputs: Readonly<Record<string, Given>>;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** The free size of the tests, and the two at which a kernel is traced. */
export const FREE = 'n';
const LOW = 2;
const HIGH = 3;

/** A graph of one node, from what a kernel is called with at each size. */
export function oneNode(name: string, call: (n: number) => Call): Graph {
  const kernel = kernels.get(name)!;
  const [low, high] = [LOW, HIGH].map((n) => {
    const { inputs, attributes = {} } = call(n);
    const given = attributes as Attributes;
    return { inputs, attributes: given, outputs: kernel.infer(specs(inputs), given) };
  });
  const inputs = Object.entries(low!.inputs).map(([key, { shape, dtype }]) => {
    const value: Value = { shape: between(shape, high!.inputs[key]!.shape) as Size[], dtype };
    return { name: `in.${key}`, key, value };
  });
  const node: Node = {
    kernel: name,
    inputs: Object.fromEntries(inputs.map(({ key, value }) => [key, value])),
    attributes: between(low!.attributes, high!.attributes) as unknown as Attributes,
    outputs: low!.outputs.map(({ shape, dtype }, i) => ({
      shape: between(shape, high!.outputs[i]!.shape) as Size[],
      dtype,
    })),
    origin: new Error('here'),
  };
  // Whatever the node reads, the free size is that of some input.
  const size = { name: FREE, value: { shape: [freeSize], dtype: 'float32' as const } };
  return {
    name,
    inputs: [...inputs, size],
    parameters: [],
    constants: new Map(),
    nodes: [node],
    outputs: node.outputs.map((value, i) => ({ name: `out.${i}`, value })),
  };
}

const freeSize: Size = { terms: [{ coefficient: 1, symbols: [FREE] }] };

function specs(inputs: Readonly<Record<string, Given>>): Record<string, TensorSpec> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype }]) => [name, { shape, dtype }]),
  );
}

type Deep = Attribute | { readonly [key: string]: Deep };

/** The same with every number that differs as a size. */
function between(low: unknown, high: unknown): Deep {
  if (typeof low === 'number' && low !== high) {
    const size = interpolate(
      (corner) => (corner.length > 0 ? (high as number) : low),
      { [FREE]: LOW },
      { [FREE]: HIGH },
    );
    if (size === undefined) throw new Error(`nothing between ${low} and ${high}`);
    return size;
  }
  if (Array.isArray(low))
    return low.map((item, i) => between(item, (high as unknown[])[i])) as Deep;
  if (typeof low === 'object' && low !== null) {
    return Object.fromEntries(
      Object.entries(low).map(([key, item]) => [
        key,
        between(item, (high as Record<string, unknown>)[key]),
      ]),
    );
  }
  return low as Deep;
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

export type Run = (feeds: readonly Given[]) => Promise<Given[]>;

/** Hands a model, opened in ONNX Runtime, to `use`. */
export async function withModel<T>(
  model: OnnxModel,
  use: (run: Run) => Promise<T>,
  options: InferenceSession.SessionOptions = {},
): Promise<T> {
  const session = await InferenceSession.create(model.bytes, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    ...options,
  });
  try {
    return await use(async (feeds) => {
      const given = model.inputs.map(({ name }, i) => {
        const { dtype, shape, values } = feeds[i]!;
        return [name, new Tensor(dtype, ARRAYS[dtype].from(values) as Float32Array, shape)];
      });
      const results = await session.run(Object.fromEntries(given));
      return model.outputs.map(({ name }) => {
        const { dims, type, data } = results[name]!;
        return { shape: [...dims], dtype: type as HostDType, values: [...(data as Float32Array)] };
      });
    });
  } finally {
    await session.release();
  }
}

/** What ONNX Runtime makes of one kernel at each size; one model serves all. */
export function runKernel(
  name: string,
  call: (n: number) => Call,
  sizes: readonly number[],
): Promise<Given[][]> {
  return withModel(lower(oneNode(name, call), {}), async (run) => {
    const results: Given[][] = [];
    for (const n of sizes) {
      const size: Given = { shape: [n], dtype: 'float32', values: Array(n).fill(0) };
      results.push(await run([...Object.values(call(n).inputs), size]));
    }
    return results;
  });
}
