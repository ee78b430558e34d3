import type { Attributes } from '../graph/graph.js';
import type { OnnxBuilder } from '../lower/builder.js';
import { booleanOf, numbersOf } from './attributes.js';
import { input, knownSizes, named, spec, unsupported } from './define.js';
import type { Kernel } from './kernel.js';
import { channelsBack, channelsFirst, pictureOf } from './pictures.js';

/** Pictures `[N, H, W, C]` at another size. */
function resize(name: string, options: (attributes: Attributes) => Record<string, string>): Kernel {
  return {
    name,
    infer: (inputs, attributes) => {
      const { shape } = input(inputs, 'images');
      const [height, width] = numbersOf(attributes, 'size');
      return [spec([shape[0]!, height!, width!, shape[3]!], 'float32')];
    },
    lower: ({ inputs, attributes, outputs }, onnx) => {
      const [batch, height, width, channels] = outputs[0]!.shape;
      const sizes = onnx.sizes([batch!, channels!, height!, width!]);
      const pictures = channelsFirst(named(input(inputs, 'images'), 'float32', onnx), true, onnx);
      const coordinates = booleanOf(attributes, 'alignCorners')
        ? 'align_corners'
        : booleanOf(attributes, 'halfPixelCenters')
          ? 'half_pixel'
          : 'asymmetric';
      const resized = onnx.emit('Resize', [pictures, '', '', sizes], {
        attributes: {
          coordinate_transformation_mode: { string: coordinates },
          ...Object.fromEntries(
            Object.entries(options(attributes)).map(([key, string]) => [key, { string }]),
          ),
        },
      });
      return [channelsBack(resized, true, onnx)];
    },
  };
}

/** How much of each of `from` pixels is in each of `to`, `[to, from]`. */
function shares(from: number, to: number, alignCorners: boolean, nearest: boolean): Float32Array {
  const corners = alignCorners && to > 1;
  const ratio = corners ? (from - 1) / (to - 1) : from / to;
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const at = i * ratio;
    const below = Math.min(from - 1, nearest && alignCorners ? Math.round(at) : Math.floor(at));
    const share = nearest ? 0 : at - below;
    matrix[i * from + below]! += 1 - share;
    matrix[i * from + Math.min(below + 1, from - 1)]! += share;
  }
  return matrix;
}

/** The gradient: both directions are matrices R of known numbers, so dx = Rᵀ dy S. */
function resizeGradient(name: string, nearest: boolean): Kernel {
  return {
    name,
    infer: (inputs, attributes) => {
      if (booleanOf(attributes, 'halfPixelCenters')) {
        throw unsupported(name, 'halfPixelCenters false, as tfjs has it', 'true');
      }
      return [spec(input(inputs, 'images').shape, 'float32')];
    },
    lower: ({ inputs, attributes }, onnx) => {
      const [images, dy] = [input(inputs, 'images'), input(inputs, 'dy')];
      const from = knownSizes(name, { shape: pictureOf(images.shape, true) });
      const to = knownSizes(name, { shape: pictureOf(dy.shape, true) });
      const corners = booleanOf(attributes, 'alignCorners');
      const [rows, columns] = from.map((size, i) => shares(size, to[i]!, corners, nearest));
      const turned = transposedMatrix(rows!, to[0]!, from[0]!);
      const left = onnx.constant(turned, 'float32', [from[0]!, to[0]!]);
      const right = onnx.constant(columns!, 'float32', [to[1]!, from[1]!]);
      const gradient = channelsFirst(onnx.name(dy), true, onnx);
      return [channelsBack(between(left, gradient, right, onnx), true, onnx)];
    },
  };
}

function between(left: string, x: string, right: string, onnx: OnnxBuilder): string {
  return onnx.emit('MatMul', [onnx.emit('MatMul', [left, x]), right]);
}

function transposedMatrix(values: Float32Array, rows: number, columns: number): Float32Array {
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
}

export const resizeKernels: Kernel[] = [
  resize('ResizeBilinear', () => ({ mode: 'linear' })),
  resize('ResizeNearestNeighbor', ({ alignCorners, halfPixelCenters }) => ({
    mode: 'nearest',
    nearest_mode: alignCorners || halfPixelCenters ? 'round_prefer_ceil' : 'floor',
  })),
  resizeGradient('ResizeBilinearGrad', false),
  resizeGradient('ResizeNearestNeighborGrad', true),
];
