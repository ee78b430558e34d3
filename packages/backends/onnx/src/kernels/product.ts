import type { HostDType } from '@imglish/core';
import type { Value } from '../graph/graph.js';
import type { OnnxBuilder } from '../lower/builder.js';
import { activate } from './activation.js';
import { booleanOf, textOf } from './attributes.js';
import { input, int, ints, named, recast, spec, unsupported } from './define.js';
import type { Kernel } from './kernel.js';
import { broadcastShapes, listed, upcast } from './shapes.js';

interface Transposed {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** a b, over leading sizes that are broadcast; `bias [O]` only for matrices. */
export function product(
  a: Value,
  b: Value,
  { transposeA, transposeB }: Transposed,
  dtype: HostDType,
  onnx: OnnxBuilder,
): string {
  const [x, y] = [named(a, dtype, onnx), named(b, dtype, onnx)];
  if (!transposeA && !transposeB) return onnx.emit('MatMul', [x, y]);
  if (a.shape.length === 2 && b.shape.length === 2 && dtype === 'float32') {
    const attributes = { transA: int(Number(transposeA)), transB: int(Number(transposeB)) };
    return onnx.emit('Gemm', [x, y], { attributes });
  }
  const swapped = (name: string, rank: number) => {
    const perm = Array.from({ length: rank }, (_, i) => i);
    perm.push(...perm.splice(rank - 2, 1));
    return onnx.emit('Transpose', [name], { attributes: { perm: ints(perm) } });
  };
  return onnx.emit('MatMul', [
    transposeA ? swapped(x, a.shape.length) : x,
    transposeB ? swapped(y, b.shape.length) : y,
  ]);
}

function productShape(
  kernel: string,
  a: readonly number[],
  b: readonly number[],
  { transposeA, transposeB }: Transposed,
): number[] {
  const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2));
  const [rows, inner] = transposeA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  const [other, columns] = transposeB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
  if (!batch || inner !== other) throw unsupported(kernel, 'matrices that fit', `[${a}], [${b}]`);
  return [...batch, rows, columns];
}

function transposedOf(attributes: Parameters<Kernel['infer']>[1]): Transposed {
  return {
    transposeA: booleanOf(attributes, 'transposeA'),
    transposeB: booleanOf(attributes, 'transposeB'),
  };
}

const batchMatMul: Kernel = {
  name: 'BatchMatMul',
  infer: (inputs, attributes) => {
    const [a, b] = [input(inputs, 'a'), input(inputs, 'b')];
    const shape = productShape('BatchMatMul', a.shape, b.shape, transposedOf(attributes));
    return [spec(shape, upcast(a.dtype, b.dtype))];
  },
  lower: ({ inputs, attributes, outputs }, onnx) => {
    const { dtype } = outputs[0]!;
    const computed = dtype === 'bool' ? 'int32' : dtype;
    const [a, b] = [input(inputs, 'a'), input(inputs, 'b')];
    const y = product(a, b, transposedOf(attributes), computed, onnx);
    return [recast(y, computed, dtype, onnx)];
  },
};

const fusedMatMul: Kernel = {
  name: '_FusedMatMul',
  infer: (inputs, attributes) => {
    const [a, b] = [input(inputs, 'a'), input(inputs, 'b')];
    const shape = productShape('_FusedMatMul', a.shape, b.shape, transposedOf(attributes));
    return [spec(shape, 'float32')];
  },
  lower: ({ inputs, attributes }, onnx) => {
    const [a, b] = [input(inputs, 'a'), input(inputs, 'b')];
    let y = product(a, b, transposedOf(attributes), 'float32', onnx);
    if (inputs.bias) y = onnx.emit('Add', [y, onnx.name(inputs.bias)]);
    return [activate(y, inputs.preluActivationWeights, attributes, onnx)];
  },
};

const einsum: Kernel = {
  name: 'Einsum',
  infer: (inputs, attributes) => {
    const parts = listed(inputs);
    const equation = textOf(attributes, 'equation').replace(/\s/g, '');
    const [terms, result] = equation.split('->');
    if (result === undefined) throw unsupported('Einsum', 'an equation with ->', equation);
    const sizes = new Map<string, number>();
    terms!.split(',').forEach((term, i) => {
      [...term].forEach((letter, axis) => {
        sizes.set(letter, parts[i]!.shape[axis]!);
      });
    });
    return [
      spec(
        [...result].map((letter) => sizes.get(letter)!),
        parts[0]!.dtype,
      ),
    ];
  },
  lower: ({ inputs, attributes }, onnx) => {
    const names = listed(inputs).map((value) => onnx.name(value));
    const equation = { string: textOf(attributes, 'equation').replace(/\s/g, '') };
    return [onnx.emit('Einsum', names, { attributes: { equation } })];
  },
};

export const productKernels: Kernel[] = [batchMatMul, fusedMatMul, einsum];
