import type { Tensor } from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors/errors.js';

/** Throws `shape/<op in kebab case>` with the shapes of all tensors, unless they fit. */
export function requireShapes(
  op: string,
  fits: boolean,
  expected: string,
  tensors: Record<string, Tensor | undefined>,
): void {
  if (fits) return;
  const got = Object.entries(tensors).flatMap(([name, tensor]) =>
    tensor ? [`${name} [${tensor.shape}]`] : [],
  );
  throw new ShapeError({
    code: `shape/${op.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    where: op,
    expected,
    got: got.join(', '),
  });
}
