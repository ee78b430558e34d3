import { backend_util } from '@tensorflow/tfjs-core';
import type { Attributes, Node } from '../graph/graph.js';
import type { Size } from '../graph/size.js';
import type { OnnxAttribute, OnnxBuilder } from '../lower/builder.js';
import { numbersOf, pairsOf } from './attributes.js';
import { ints, unsupported } from './define.js';

type Four = [number, number, number, number];
type Padding = Parameters<typeof backend_util.computeConv2DInfo>[4];
type Rounding = Parameters<typeof backend_util.computeConv2DInfo>[5];

/** Whether pictures are `[N, H, W, C]`, else `[N, C, H, W]`. */
export function channelsLast(attributes: Attributes): boolean {
  return attributes.dataFormat !== 'NCHW';
}

/** One number for both directions, or one each; 1 where there is none. */
export function both(attributes: Attributes, name: string): [number, number] {
  const [first, second = first] =
    attributes[name] === undefined ? [1] : numbersOf(attributes, name);
  return [first!, second!];
}

/** The sizes of a picture within the shape. */
export function pictureOf<S extends Size>(shape: readonly S[], last: boolean): S[] {
  return last ? shape.slice(1, 3) : shape.slice(2, 4);
}

/** A shape that tfjs gives for a way of rounding, if ONNX, which rounds down, gives the same. */
function roundedDown(
  kernel: string,
  { dimRoundingMode }: Attributes,
  shape: (rounding: Rounding) => number[],
): number[] {
  const wanted = shape((dimRoundingMode ?? undefined) as Rounding);
  if (wanted.join() === shape('floor').join()) return wanted;
  throw unsupported(kernel, 'sizes that are rounded down', `dimRoundingMode ${dimRoundingMode}`);
}

/** tfjs takes a pad that is a number as if window and strides were square. */
function checkSquare(kernel: string, window: readonly number[], attributes: Attributes): void {
  const strides = both(attributes, 'strides');
  if (typeof attributes.pad !== 'number') return;
  if (window[0] === window[1] && strides[0] === strides[1]) return;
  const expected = 'a square window where pad is a number';
  throw unsupported(kernel, expected, `[${window}], by [${strides}]`);
}

export function convolutionShape(
  kernel: string,
  x: readonly number[],
  filter: readonly number[],
  attributes: Attributes,
  depthwise: boolean,
): number[] {
  checkSquare(kernel, filter.slice(0, 2), attributes);
  return roundedDown(kernel, attributes, (rounding) => {
    return backend_util.computeConv2DInfo(
      x as Four,
      filter as Four,
      both(attributes, 'strides'),
      both(attributes, 'dilations'),
      attributes.pad as Padding,
      rounding,
      depthwise,
      channelsLast(attributes) ? 'channelsLast' : 'channelsFirst',
    ).outShape;
  });
}

export function poolShape(kernel: string, x: readonly number[], attributes: Attributes): number[] {
  const window = both(attributes, 'filterSize');
  checkSquare(kernel, window, attributes);
  return roundedDown(kernel, attributes, (rounding) => {
    return backend_util.computePool2DInfo(
      x as Four,
      window,
      both(attributes, 'strides'),
      both(attributes, 'dilations'),
      attributes.pad as Padding,
      rounding,
    ).outShape;
  });
}

/**
 * What is put around a picture `[H, W]`: above, left, below, right; undefined where that follows from
 * a free size.
 */
export function knownPads(
  { kernel, attributes }: Node,
  picture: readonly Size[],
  window: readonly number[],
): number[] | undefined {
  const { pad } = attributes;
  if (pad === 'valid') return [0, 0, 0, 0];
  if (typeof pad === 'number') return [pad, pad, pad, pad];
  if (Array.isArray(pad)) {
    const pairs = pairsOf(attributes, 'pad') as [number, number][];
    const [rows, columns] = pictureOfPairs(pairs, channelsLast(attributes));
    return [rows[0], columns[0], rows[1], columns[1]];
  }
  if (pad !== 'same') throw unsupported(kernel, 'a known padding', String(pad));
  if (!picture.every((size) => typeof size === 'number')) return undefined;
  const [strides, dilations] = [both(attributes, 'strides'), both(attributes, 'dilations')];
  const totals = (picture as number[]).map((size, i) => {
    const covered = (window[i]! - 1) * dilations[i]! + 1;
    return Math.max((Math.ceil(size / strides[i]!) - 1) * strides[i]! + covered - size, 0);
  });
  const before = totals.map((total) => Math.floor(total / 2));
  return [...before, ...totals.map((total, i) => total - before[i]!)];
}

function pictureOfPairs(pairs: readonly [number, number][], last: boolean) {
  return (last ? pairs.slice(1, 3) : pairs.slice(2, 4)) as [[number, number], [number, number]];
}

/** The same as attributes of ONNX, which has a rule of its own for free sizes. */
export function padding(
  node: Node,
  picture: readonly Size[],
  window: readonly number[],
): Record<string, OnnxAttribute> {
  const pads = knownPads(node, picture, window);
  return pads ? { pads: ints(pads) } : { auto_pad: { string: 'SAME_UPPER' } };
}

export function transposed(x: string, perm: readonly number[], onnx: OnnxBuilder): string {
  return onnx.emit('Transpose', [x], { attributes: { perm: ints(perm) } });
}

/** ONNX has the channels first: `x` so. */
export function channelsFirst(x: string, last: boolean, onnx: OnnxBuilder): string {
  return last ? transposed(x, [0, 3, 1, 2], onnx) : x;
}

/** And back. */
export function channelsBack(x: string, last: boolean, onnx: OnnxBuilder): string {
  return last ? transposed(x, [0, 2, 3, 1], onnx) : x;
}
