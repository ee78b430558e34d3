import {
  backend_util,
  type SliceAttrs,
  type SplitVAttrs,
  slice_util,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { type Heap, size } from '../heap.js';
import type { Kernels } from './kernel.js';

/**
 * Kernels of tfjs that only move values: the same results, without its copy of what is merely renamed,
 * its loops over single elements and its checks of every index in JavaScript. A case that is not
 * treated here goes to tfjs's own.
 */
export const moves: Kernels = {
  /** tfjs copies; the values are the same and nothing writes into an input, so they can be shared. */
  Identity: (heap, { x }) => heap.share(x!, x!.shape),

  Transpose: (heap, { x }, attributes, tfjs) => {
    const { shape, dtype } = x!;
    const perm = attributes.perm as unknown as number[];
    if (!isWord(dtype)) return tfjs();
    const shapeOut = perm.map((axis) => shape[axis]!);
    const axes = joinedAxes(shape, perm);
    if (axes.length < 2) return heap.share(x!, shapeOut);
    const out = heap.output(shapeOut, dtype);
    const [first, second, third] = axes;
    if (axes.length === 2 || (axes.length === 3 && isOutermost(first!, size(shape)))) {
      const [a, b] = axes.length === 2 ? [second!, first!] : [third!, second!];
      if (b.stride === 1) {
        const count = axes.length === 2 ? 1 : first!.length;
        heap.functions.transposeEach!(heap.at(x!), heap.at(out), count, a.length, b.length);
        return out;
      }
    }
    const inner = axes.at(-1)!.stride === 1 ? axes.pop()!.length : 1;
    const table = heap.work(axes.length * 12);
    heap
      .words(table, 2 * axes.length)
      .set([...axes.map(({ length }) => length), ...axes.map(({ stride }) => stride)]);
    heap.functions.permute!(heap.at(x!), heap.at(out), table, axes.length, inner);
    return out;
  },

  /** Rows of a table. */
  GatherV2: (heap, { x, indices }, attributes, tfjs) => {
    const { axis, batchDims } = attributes;
    if (axis !== 0 || batchDims || !isWord(x!.dtype) || indices!.dtype !== 'int32') return tfjs();
    const rows = x!.shape[0]!;
    const ids = heap.view(indices!);
    // tfjs's own says what is wrong.
    if (ids.some((id) => id < 0 || id >= rows)) return tfjs();
    const out = heap.output([...indices!.shape, ...x!.shape.slice(1)], x!.dtype);
    const width = size(x!.shape.slice(1));
    const at = [heap.at(x!), heap.at(indices!), heap.at(out)];
    heap.functions.gatherRows!(...at, size(indices!.shape), width);
    return out;
  },

  /** Cut along one axis at most. */
  Slice: (heap, { x }, attributes, tfjs) => {
    const { begin, size: length } = attributes as unknown as SliceAttrs;
    const [start, shape] = slice_util.parseSliceParams(
      x! as never,
      begin,
      length,
    ) as number[][] as [number[], number[]];
    const cut = x!.shape.flatMap((all, axis) => (shape[axis] === all ? [] : [axis]));
    if (cut.length > 1 || !isWord(x!.dtype)) return tfjs();
    const axis = cut[0] ?? 0;
    return piece(heap, x!, axis, start[axis] ?? 0, shape[axis] ?? 1);
  },

  Concat: (heap, inputs, attributes, tfjs) => {
    const parts = Object.values(inputs);
    const { shape, dtype } = parts[0]!;
    if (!isWord(dtype) || parts.some((part) => part.dtype !== dtype)) return tfjs();
    const axis = attributes.axis! < 0 ? attributes.axis! + shape.length : attributes.axis!;
    const lengths = parts.map((part) => part.shape[axis]!);
    const all = lengths.reduce((sum, length) => sum + length, 0);
    const out = heap.output([...shape.slice(0, axis), all, ...shape.slice(axis + 1)], dtype);
    const rows = size(shape.slice(0, axis));
    const inner = size(shape.slice(axis + 1));
    let to = heap.at(out);
    parts.forEach((part, i) => {
      const width = lengths[i]! * inner;
      heap.functions.copyRows!(heap.at(part), width, to, all * inner, rows, width);
      to += 4 * width;
    });
    return out;
  },

  SplitV: (heap, { x }, attributes, tfjs) => {
    const { numOrSizeSplits, axis } = attributes as unknown as SplitVAttrs;
    if (!isWord(x!.dtype)) return tfjs();
    const along = axis < 0 ? axis + x!.shape.length : axis;
    const sizes = backend_util.prepareSplitSize(x! as never, numOrSizeSplits, along);
    let start = 0;
    return sizes.map((length) => {
      const part = piece(heap, x!, along, start, length);
      start += length;
      return part;
    });
  },
};

/** x[..., start : start + length, ...] along one axis. */
function piece(heap: Heap, x: TensorInfo, axis: number, start: number, length: number): TensorInfo {
  const shape = x.shape.map((all, i) => (i === axis ? length : all));
  const out = heap.output(shape, x.dtype);
  const inner = size(x.shape.slice(axis + 1));
  const stride = (x.shape[axis] ?? 1) * inner;
  const from = heap.at(x) + 4 * start * inner;
  const rows = size(x.shape.slice(0, axis));
  heap.functions.copyRows!(from, stride, heap.at(out), length * inner, rows, length * inner);
  return out;
}

/** An axis of a result: its length, and how far apart its elements are in the input. */
interface Axis {
  length: number;
  stride: number;
}

/** The axes of x in the order `perm`; those that stay together become one, those of length 1 go. */
function joinedAxes(shape: readonly number[], perm: readonly number[]): Axis[] {
  const joined: Axis[] = [];
  for (const axis of perm) {
    const length = shape[axis]!;
    if (length === 1) continue;
    const stride = size(shape.slice(axis + 1));
    const before = joined.at(-1);
    if (before && before.stride === stride * length) {
      before.length *= length;
      before.stride = stride;
    } else joined.push({ length, stride });
  }
  return joined;
}

/** Whether an axis is the first of the input, too. */
const isOutermost = ({ length, stride }: Axis, all: number): boolean => length * stride === all;

const isWord = (dtype: string): boolean => dtype === 'float32' || dtype === 'int32';
