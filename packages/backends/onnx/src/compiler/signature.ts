import {
  BackendError,
  type CompileOptions,
  type RegionView,
  ShapeError,
  type TensorSpec,
} from '@imglish/core';
import { evaluate, type SizeValues, showSize } from '../graph/size.js';
import type { ModelOutput } from '../lower/onnx-model.js';
import type { RunInput } from '../runtime/engine.js';
import { sizeOf } from '../runtime/shape.js';

/** What a compiled function takes. */
export interface Signature {
  readonly example: Readonly<Record<string, TensorSpec>>;
  readonly freeSizes: Readonly<Record<string, Readonly<Record<number, string>>>>;
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** @throws BackendError `backend/signature` when the options name what the example does not have. */
export function checkSignature(
  where: string,
  example: Readonly<Record<string, TensorSpec>>,
  { freeSizes = {}, parameters = {} }: CompileOptions,
): Signature {
  const refuse = (expected: string, got: string): never => {
    throw new BackendError({ code: 'backend/signature', where, expected, got });
  };
  for (const [name, { shape, dtype }] of Object.entries(example)) {
    if (!(dtype in ARRAYS)) refuse(`'${name}' of float32, int32 or bool`, String(dtype));
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      refuse(`a shape of whole numbers for '${name}'`, show(shape));
    }
    if (name in parameters) refuse('inputs and parameters of different names', `'${name}' twice`);
  }
  for (const [name, axes] of Object.entries(freeSizes)) {
    const spec = example[name] ?? refuse(`free sizes of ${list(example)}`, `'${name}'`);
    for (const axis of Object.keys(axes)) {
      if (spec.shape[Number(axis)] === undefined) {
        refuse(`free axes of '${name}' ${show(spec.shape)}`, `axis ${axis}`);
      }
    }
  }
  const signature = { example, freeSizes };
  sizesOf(where, signature, example);
  return signature;
}

/**
 * The free sizes of a run.
 *
 * @throws ShapeError `shape/inputs`, BackendError `backend/inputs` for names and types.
 */
export function checkInputs(
  where: string,
  signature: Signature,
  inputs: Readonly<Record<string, RunInput>>,
): SizeValues {
  const { example } = signature;
  const missing = Object.keys(example).filter((name) => !(name in inputs));
  const unknown = Object.keys(inputs).filter((name) => !(name in example));
  if (missing.length > 0 || unknown.length > 0) {
    throw new BackendError({
      code: 'backend/inputs',
      where,
      expected: `the inputs ${list(example)}`,
      got: list(inputs),
    });
  }
  for (const [name, input] of Object.entries(inputs)) {
    const { dtype } = example[name]!;
    const data = 'region' in input ? undefined : input.data;
    if (input.dtype !== dtype || (data && !(data instanceof ARRAYS[dtype]))) {
      throw new BackendError({
        code: 'backend/inputs',
        where,
        expected: `'${name}' as ${dtype} in a ${ARRAYS[dtype].name}`,
        got: `${input.dtype}${data ? ` in a ${data.constructor.name}` : ''}`,
      });
    }
    if (data && data.length !== sizeOf(input.shape)) {
      throw shapeError(
        where,
        `${sizeOf(input.shape)} values in '${name}' ${show(input.shape)}`,
        String(data.length),
      );
    }
  }
  return sizesOf(where, signature, inputs);
}

/** What the shapes are to a function with these free sizes: what must be compiled anew differs. */
export function signatureKey(
  { example, freeSizes }: Signature,
  specs: Readonly<Record<string, TensorSpec>>,
): string {
  return JSON.stringify(
    Object.keys(example).map((name) =>
      specs[name]!.shape.map((size, axis) => freeSizes[name]?.[axis] ?? size),
    ),
  );
}

/**
 * @throws BackendError `backend/outputs` for names, ShapeError `shape/outputs`.
 */
export function checkOutputs(
  where: string,
  outputs: readonly ModelOutput[],
  sizes: SizeValues,
  into: Readonly<Record<string, RegionView>>,
): void {
  for (const [name, view] of Object.entries(into)) {
    const output = outputs.find(({ as }) => as === name);
    if (output?.dtype !== 'float32') {
      const float = outputs.filter(({ dtype }) => dtype === 'float32').map(({ as }) => as);
      throw new BackendError({
        code: 'backend/outputs',
        where,
        expected: `into: float32 outputs of ${float.join(', ') || 'which there are none'}`,
        got: output ? `'${name}', which is ${output.dtype}` : `'${name}'`,
      });
    }
    const shape = output.shape.map((size) => evaluate(size, sizes));
    if (shape.join() !== view.shape.join()) {
      throw shapeError(
        where,
        `into: '${name}' as ${show(shape)} (${output.shape.map(showSize).join(', ')})`,
        show(view.shape),
        'outputs',
      );
    }
  }
}

function sizesOf(
  where: string,
  { example, freeSizes }: Signature,
  specs: Readonly<Record<string, TensorSpec>>,
): SizeValues {
  const sizes: Record<string, number> = {};
  const seen: Record<string, string> = {};
  for (const [name, { shape: expected }] of Object.entries(example)) {
    const { shape } = specs[name]!;
    if (shape.length !== expected.length) {
      throw shapeError(
        where,
        `'${name}' with ${expected.length} axes, like ${show(expected)}`,
        show(shape),
      );
    }
    for (const [axis, symbol] of Object.entries(freeSizes[name] ?? {})) {
      const size = shape[Number(axis)]!;
      const place = `axis ${axis} of '${name}'`;
      sizes[symbol] ??= size;
      if (sizes[symbol] !== size) {
        throw shapeError(
          where,
          `one size '${symbol}' everywhere`,
          `${sizes[symbol]} at ${seen[symbol]}, ${size} at ${place}`,
        );
      }
      seen[symbol] ??= place;
    }
  }
  return sizes;
}

function shapeError(where: string, expected: string, got: string, what = 'inputs'): ShapeError {
  return new ShapeError({ code: `shape/${what}`, where, expected, got });
}

function show(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

function list(named: Readonly<Record<string, unknown>>): string {
  return Object.keys(named).join(', ') || 'none';
}
