import type { TensorSpec } from '@imglish/core';
import { slice_util } from '@tensorflow/tfjs-core';
import { type Size, sameSize } from '../graph/size.js';
import { addSizes } from '../lower/size-arithmetic.js';
import { axesOf, axisOf, numberOf, numbersOf, pairsOf, sizesOf, textOf } from './attributes.js';
import {
  BEFORE_BEGIN,
  dtypeOf,
  END,
  input,
  int,
  ints,
  named,
  outputShape,
  recast,
  spec,
  unsupported,
} from './define.js';
import type { Kernel } from './kernel.js';
import { listed, reshapeTo, sameShape, upcast } from './shapes.js';

const identity: Kernel = {
  name: 'Identity',
  infer: (inputs) => [input(inputs, 'x')],
  lower: ({ inputs }, onnx) => [onnx.name(input(inputs, 'x'))],
};

/**
 * Floats are cut to whole numbers; whatever is not 0 is true. What int32 cannot hold becomes whatever
 * the processor makes of it.
 */
const cast: Kernel = {
  name: 'Cast',
  infer: (inputs, attributes) => [spec(input(inputs, 'x').shape, dtypeOf(attributes, 'float32'))],
  lower: ({ inputs, outputs }, onnx) => {
    const x = input(inputs, 'x');
    return [recast(onnx.name(x), x.dtype, outputs[0]!.dtype, onnx)];
  },
};

const reshape: Kernel = {
  name: 'Reshape',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'x');
    const wanted = numbersOf(attributes, 'shape');
    const known = wanted.reduce((product, size) => (size < 0 ? product : product * size), 1);
    const rest = shape.reduce((product, size) => product * size, 1) / known;
    return [
      spec(
        wanted.map((size) => (size < 0 ? rest : size)),
        dtype,
      ),
    ];
  },
  lower: (node, onnx) => {
    const x = input(node.inputs, 'x');
    const shape = outputShape(node);
    if (sameShape(x.shape, shape)) return [onnx.name(x)];
    return [reshapeTo(onnx.name(x), x.shape, shape, onnx)];
  },
};

const expandDims: Kernel = {
  name: 'ExpandDims',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'input');
    const axis = axisOf(attributes, 'dim', shape.length + 1);
    return [spec(shape.toSpliced(axis, 0, 1), dtype)];
  },
  lower: ({ inputs, attributes }, onnx) => {
    const x = input(inputs, 'input');
    const axis = axisOf(attributes, 'dim', x.shape.length + 1);
    return [onnx.emit('Unsqueeze', [onnx.name(x), onnx.sizes([axis])])];
  },
};

const transpose: Kernel = {
  name: 'Transpose',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'x');
    return [
      spec(
        numbersOf(attributes, 'perm').map((axis) => shape[axis]!),
        dtype,
      ),
    ];
  },
  lower: ({ inputs, attributes }, onnx) => {
    const x = onnx.name(input(inputs, 'x'));
    const perm = numbersOf(attributes, 'perm');
    if (perm.every((from, to) => from === to)) return [x];
    return [onnx.emit('Transpose', [x], { attributes: { perm: ints(perm) } })];
  },
};

const slice: Kernel = {
  name: 'Slice',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'x');
    const [begin, size] = [numbersOf(attributes, 'begin'), numbersOf(attributes, 'size')];
    const sizes = shape.map((whole, axis) => {
      const [from, wanted] = [begin[axis] ?? 0, size[axis] ?? -1];
      return wanted < 0 ? whole - from : wanted;
    });
    return [spec(sizes, dtype)];
  },
  lower: (node, onnx) => {
    const x = input(node.inputs, 'x');
    const begin = sizesOf(node.attributes, 'begin');
    const cuts = outputShape(node).flatMap((size, axis) => {
      const from = begin[axis] ?? 0;
      const to = addSizes(from, size);
      const toEnd = sameSize(to, x.shape[axis]!);
      return toEnd && from === 0 ? [] : [{ axis, from, to: toEnd ? END : to }];
    });
    if (cuts.length === 0) return [onnx.name(x)];
    return [
      onnx.emit('Slice', [
        onnx.name(x),
        onnx.sizes(cuts.map(({ from }) => from)),
        onnx.sizes(cuts.map(({ to }) => to)),
        onnx.sizes(cuts.map(({ axis }) => axis)),
      ]),
    ];
  },
};

/** As numpy slices, with TensorFlow's bit masks: open ends, an ellipsis, new axes, axes taken away. */
const stridedSlice: Kernel = {
  name: 'StridedSlice',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'x');
    const [begin, end, strides] = ['begin', 'end', 'strides'].map((name) =>
      numbersOf(attributes, name),
    );
    const [beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask] = MASKS.map((name) =>
      numberOf(attributes, name, 0),
    );
    const { finalShape } = slice_util.sliceInfo(
      [...shape],
      begin!,
      end!,
      strides!,
      beginMask!,
      endMask!,
      ellipsisMask!,
      newAxisMask!,
      shrinkAxisMask!,
    );
    return [spec(finalShape, dtype)];
  },
  lower: (node, onnx) => {
    const { attributes } = node;
    const x = input(node.inputs, 'x');
    const [begin, end] = [sizesOf(attributes, 'begin'), sizesOf(attributes, 'end')];
    const strides = numbersOf(attributes, 'strides');
    const has = (mask: string, i: number) => ((numberOf(attributes, mask, 0) >> i) & 1) === 1;
    const newAxes = strides.filter(
      (_, i) => has('newAxisMask', i) && !has('ellipsisMask', i),
    ).length;
    const cuts: { axis: number; from: Size; to: Size; by: number }[] = [];
    let axis = 0;
    strides.forEach((by, i) => {
      if (has('ellipsisMask', i)) {
        axis += x.shape.length - (strides.length - 1 - newAxes);
      } else if (!has('newAxisMask', i)) {
        const one = has('shrinkAxisMask', i);
        const from = has('beginMask', i) && !one ? (by > 0 ? 0 : END) : begin[i]!;
        const last = has('endMask', i) ? (by > 0 ? END : BEFORE_BEGIN) : end[i]!;
        const next = from === -1 ? END : addSizes(from, 1);
        cuts.push({ axis, from, to: one ? next : last, by: one ? 1 : by });
        axis++;
      }
    });
    const sliced = onnx.emit('Slice', [
      onnx.name(x),
      onnx.sizes(cuts.map(({ from }) => from)),
      onnx.sizes(cuts.map(({ to }) => to)),
      onnx.sizes(cuts.map((cut) => cut.axis)),
      onnx.sizes(cuts.map(({ by }) => by)),
    ]);
    return [reshapeTo(sliced, [], outputShape(node), onnx)];
  },
};

const MASKS = ['beginMask', 'endMask', 'ellipsisMask', 'newAxisMask', 'shrinkAxisMask'];

const concat: Kernel = {
  name: 'Concat',
  infer: (inputs, attributes) => {
    const parts = listed(inputs);
    const { shape } = parts[0]!;
    const axis = axisOf(attributes, 'axis', shape.length);
    const total = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
    return [spec(shape.with(axis, total), commonType(parts))];
  },
  lower: ({ inputs, attributes, outputs }, onnx) => {
    const axis = axisOf(attributes, 'axis', outputs[0]!.shape.length);
    const parts = listed(inputs).map((part) => named(part, outputs[0]!.dtype, onnx));
    if (parts.length === 1) return parts;
    return [onnx.emit('Concat', parts, { attributes: { axis: int(axis) } })];
  },
};

function commonType(parts: readonly TensorSpec[]): TensorSpec['dtype'] {
  return parts.map(({ dtype }) => dtype).reduce(upcast);
}

const splitV: Kernel = {
  name: 'SplitV',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'x');
    const axis = axisOf(attributes, 'axis', shape.length);
    const given = numbersOf(attributes, 'numOrSizeSplits');
    const whole = shape[axis]!;
    const equal = !Array.isArray(attributes.numOrSizeSplits);
    const parts = equal ? Array<number>(given[0]!).fill(whole / given[0]!) : given;
    const known = parts.reduce((sum, part) => sum + Math.max(part, 0), 0);
    return parts.map((part) => spec(shape.with(axis, part < 0 ? whole - known : part), dtype));
  },
  lower: ({ inputs, attributes, outputs }, onnx) => {
    const x = input(inputs, 'x');
    const axis = axisOf(attributes, 'axis', x.shape.length);
    const parts = onnx.sizes(outputs.map(({ shape }) => shape[axis]!));
    return onnx.emitAll('Split', [onnx.name(x), parts], {
      attributes: { axis: int(axis) },
      outputs: outputs.length,
    });
  },
};

const pack: Kernel = {
  name: 'Pack',
  infer: (inputs, attributes) => {
    const parts = listed(inputs);
    const { shape } = parts[0]!;
    const axis = axisOf(attributes, 'axis', shape.length + 1);
    return [spec(shape.toSpliced(axis, 0, parts.length), commonType(parts))];
  },
  lower: ({ inputs, attributes, outputs }, onnx) => {
    const axis = axisOf(attributes, 'axis', outputs[0]!.shape.length);
    const parts = listed(inputs).map((part) =>
      onnx.emit('Unsqueeze', [named(part, outputs[0]!.dtype, onnx), onnx.sizes([axis])]),
    );
    if (parts.length === 1) return parts;
    return [onnx.emit('Concat', parts, { attributes: { axis: int(axis) } })];
  },
};

const unpack: Kernel = {
  name: 'Unpack',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'value');
    const axis = axisOf(attributes, 'axis', shape.length);
    return Array.from({ length: shape[axis]! }, () => spec(shape.toSpliced(axis, 1), dtype));
  },
  lower: ({ inputs, attributes, outputs }, onnx) => {
    const x = input(inputs, 'value');
    const axis = int(axisOf(attributes, 'axis', x.shape.length));
    return outputs.map((_, i) =>
      onnx.emit('Gather', [onnx.name(x), onnx.scalar(i, 'int32')], { attributes: { axis } }),
    );
  },
};

/** Where only sizes of 1 are repeated, nothing needs to be copied twice. */
const tile: Kernel = {
  name: 'Tile',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'x');
    const reps = numbersOf(attributes, 'reps');
    return [
      spec(
        shape.map((size, axis) => size * reps[axis]!),
        dtype,
      ),
    ];
  },
  lower: (node, onnx) => {
    const x = input(node.inputs, 'x');
    const reps = sizesOf(node.attributes, 'reps');
    const shape = outputShape(node);
    if (sameShape(x.shape, shape)) return [onnx.name(x)];
    const spreads = x.shape.every((size, axis) => size === 1 || reps[axis] === 1);
    if (spreads) return [onnx.emit('Expand', [onnx.name(x), onnx.sizes(shape)])];
    return [onnx.emit('Tile', [onnx.name(x), onnx.sizes(reps)])];
  },
};

const broadcastTo: Kernel = {
  name: 'BroadcastTo',
  infer: (inputs, attributes) => [spec(numbersOf(attributes, 'shape'), input(inputs, 'x').dtype)],
  lower: (node, onnx) => {
    const x = input(node.inputs, 'x');
    const shape = outputShape(node);
    if (sameShape(x.shape, shape)) return [onnx.name(x)];
    return [onnx.emit('Expand', [onnx.name(x), onnx.sizes(shape)])];
  },
};

const padded = (shape: readonly number[], pairs: readonly [Size, Size][]): number[] =>
  shape.map((size, axis) => size + (pairs[axis]![0] as number) + (pairs[axis]![1] as number));

const padV2: Kernel = {
  name: 'PadV2',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'x');
    return [spec(padded(shape, pairsOf(attributes, 'paddings')), dtype)];
  },
  lower: ({ inputs, attributes }, onnx) => {
    const x = input(inputs, 'x');
    const pairs = pairsOf(attributes, 'paddings');
    if (pairs.every(([before, after]) => before === 0 && after === 0)) return [onnx.name(x)];
    const pads = onnx.sizes([
      ...pairs.map(([before]) => before),
      ...pairs.map(([, after]) => after),
    ]);
    const [value = 0] = numbersOf(attributes, 'constantValue');
    return [onnx.emit('Pad', [onnx.name(x), pads, onnx.scalar(value, x.dtype)])];
  },
};

/** Both ends are slices that run backwards: `reflect` leaves the outermost row out, `symmetric` does not. */
const mirrorPad: Kernel = {
  name: 'MirrorPad',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'x');
    return [spec(padded(shape, pairsOf(attributes, 'paddings')), dtype)];
  },
  lower: ({ inputs, attributes }, onnx) => {
    const skipped = textOf(attributes, 'mode') === 'reflect' ? 1 : 0;
    let x = onnx.name(input(inputs, 'x'));
    pairsOf(attributes, 'paddings').forEach(([before, after], axis) => {
      const backwards = (from: Size, to: Size) =>
        onnx.emit('Slice', [x, onnx.sizes([from]), onnx.sizes([to]), onnx.sizes([axis]), MINUS]);
      const MINUS = onnx.sizes([-1]);
      const parts = [x];
      if (before !== 0) {
        const end = skipped ? 0 : BEFORE_BEGIN;
        parts.unshift(backwards(addSizes(before, skipped - 1), end));
      }
      if (after !== 0) {
        if (typeof after !== 'number')
          throw unsupported('MirrorPad', 'a known padding', 'a free one');
        parts.push(backwards(-1 - skipped, -1 - skipped - after));
      }
      if (parts.length > 1) x = onnx.emit('Concat', parts, { attributes: { axis: int(axis) } });
    });
    return [x];
  },
};

const reverse: Kernel = {
  name: 'Reverse',
  infer: (inputs) => [input(inputs, 'x')],
  lower: ({ inputs, attributes }, onnx) => {
    const x = input(inputs, 'x');
    const axes = axesOf(attributes, 'dims', x.shape.length);
    if (axes.length === 0) return [onnx.name(x)];
    const all = (value: number) => onnx.sizes(axes.map(() => value));
    return [
      onnx.emit('Slice', [onnx.name(x), all(-1), all(BEFORE_BEGIN), onnx.sizes(axes), all(-1)]),
    ];
  },
};

export const shapingKernels: Kernel[] = [
  identity,
  cast,
  reshape,
  expandDims,
  transpose,
  slice,
  stridedSlice,
  concat,
  splitV,
  pack,
  unpack,
  tile,
  broadcastTo,
  padV2,
  mirrorPad,
  reverse,
];
