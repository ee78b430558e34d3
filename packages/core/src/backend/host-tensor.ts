import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { BackendError, ShapeError } from '../errors/errors.js';
import type { HostTensor, TensorSpec } from './compiler.js';

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** A host tensor on the current backend; the caller owns it. Its values are copied. */
export function toTensor({ data, shape, dtype }: HostTensor): Tensor {
  return tensor(data.slice(), [...shape], dtype);
}

/**
 * A tensor's values on the host, its own copy; the tensor stays.
 *
 * @throws BackendError `backend/no-host-type` for strings and complex numbers.
 */
export async function toHost(tensor: Tensor): Promise<HostTensor> {
  const { dtype, shape } = tensor;
  // Some backends give the very array that they compute with.
  if (dtype === 'float32') return { dtype, shape, data: (await tensor.data<'float32'>()).slice() };
  if (dtype === 'int32') return { dtype, shape, data: (await tensor.data<'int32'>()).slice() };
  if (dtype === 'bool') return { dtype, shape, data: (await tensor.data<'bool'>()).slice() };
  throw new BackendError({
    code: 'backend/no-host-type',
    where: 'toHost',
    expected: 'a tensor of float32, int32 or bool',
    got: dtype,
  });
}

/** Shape and type of a host tensor. */
export function specOf({ shape, dtype }: HostTensor): TensorSpec {
  return { shape, dtype };
}

/** Throws `shape/host-tensor` unless array and type belong together and hold what the shape says. */
export function checkHostTensor(where: string, name: string, given: HostTensor): void {
  const { data, shape, dtype } = given;
  const length = shape.reduce((product, size) => product * size, 1);
  if (data instanceof ARRAYS[dtype] && data.length === length) return;
  throw new ShapeError({
    code: 'shape/host-tensor',
    where,
    expected: `${length} values in a ${ARRAYS[dtype].name} for ${name} ${dtype} [${shape.join(', ')}]`,
    got: `a ${data.constructor.name} of ${data.length}`,
  });
}
