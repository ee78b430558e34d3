import { type HostTensor, type HostTensorMap, type TensorMap, TrainError } from '@imglish/core';
import { Tensor } from '@tensorflow/tfjs-core';
import type { IndexedBatch } from '../loop/batches.js';
import type { Batch } from '../loop/contracts.js';

/** A batch on the host, as inputs of a compiled function. */
export interface BatchInputs<B extends Batch> {
  /** The same for batches that one recorded function serves; see `TrainOptions.compiler`. */
  readonly signature: string;
  /** Its tensors, named by their path: `batch.text.words.positions`. */
  readonly inputs: HostTensorMap;
  /** The batch with other tensors in the places of its own. */
  withTensors(tensors: TensorMap): B;
}

/** Keys whose numbers may differ within a signature. */
const FREE_KEYS: readonly string[] = ['count', 'size'];

/**
 * Reads the tensors of a batch, which stays the caller's.
 *
 * @throws TrainError `train/batch` for a batch with anything but plain objects, arrays, typed arrays,
 * numbers, strings, booleans and float32, int32 and bool tensors in it.
 */
export async function readBatch<B extends Batch>({
  batch,
  index,
}: IndexedBatch<B>): Promise<BatchInputs<B>> {
  const tensors: [string, Tensor][] = [];
  const signature: string[] = [];
  const template = walk(batch, {
    index,
    tensor: (name, tensor) => {
      signature.push(`${name} ${tensor.dtype}[${tensor.shape}]`);
      tensors.push([name, tensor]);
    },
    other: (name, value) => signature.push(`${name} ${value}`),
  });
  const inputs: Record<string, HostTensor> = {};
  for (const [name, tensor] of tensors) inputs[name] = await readTensor(tensor);
  return {
    signature: signature.join('\n'),
    inputs,
    withTensors: (given) => fill(template, given) as B,
  };
}

/** Where a tensor was. */
class Place {
  constructor(readonly name: string) {}
}

interface Visitor {
  index: number;
  tensor(name: string, tensor: Tensor): void;
  other(name: string, value: string): void;
}

/** The value with places for its tensors. */
function walk(value: unknown, visitor: Visitor, path = 'batch', free = false): unknown {
  if (value instanceof Tensor) {
    if (!['float32', 'int32', 'bool'].includes(value.dtype)) {
      throw refused(visitor.index, path, `a tensor of ${value.dtype}`);
    }
    visitor.tensor(path, value);
    return new Place(path);
  }
  if (typeof value === 'object' && value !== null && !isTypedArray(value)) {
    const prototype = Object.getPrototypeOf(value);
    if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) {
      throw refused(visitor.index, path, `an instance of ${prototype.constructor?.name}`);
    }
    const entries = Object.entries(value).map(([inner, part]) => {
      const name = `${path}.${inner.replaceAll(/[\\.]/g, '\\$&')}`;
      return [inner, walk(part, visitor, name, FREE_KEYS.includes(inner))] as const;
    });
    visitor.other(path, Array.isArray(value) ? 'list' : 'object');
    return Array.isArray(value) ? entries.map(([, part]) => part) : Object.fromEntries(entries);
  }
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw refused(visitor.index, path, `a ${typeof value}`);
  }
  if (typeof value !== 'number' || !free) {
    const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
    visitor.other(path, `${typeof value} ${text}`);
  }
  return value;
}

function fill(template: unknown, tensors: TensorMap): unknown {
  if (template instanceof Place) return tensors[template.name];
  if (Array.isArray(template)) return template.map((part) => fill(part, tensors));
  if (typeof template !== 'object' || template === null || isTypedArray(template)) return template;
  const entries = Object.entries(template).map(([key, part]) => [key, fill(part, tensors)]);
  return Object.fromEntries(entries);
}

function isTypedArray(value: object): boolean {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

async function readTensor(tensor: Tensor): Promise<HostTensor> {
  const { dtype, shape } = tensor;
  return { dtype, shape, data: await tensor.data() } as HostTensor;
}

function refused(index: number, path: string, got: string): TrainError {
  return new TrainError({
    code: 'train/batch',
    where: 'train',
    expected: 'batches of plain values and float32, int32 or bool tensors, for a compiled step',
    got: `${got} at ${path} in batch ${index}`,
  });
}
