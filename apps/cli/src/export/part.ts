import {
  type HostDType,
  type ImageInput,
  type ModelConfig,
  ops,
  type TensorMap,
  type TensorSpec,
  type Traceable,
} from '@imglish/core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

export const PART_GROUPS = ['vision', 'text', 'fusion', 'head', 'prefill', 'step'] as const;
export type PartGroup = (typeof PART_GROUPS)[number];

/** An input or output: the names in its shape are sizes that differ between runs. */
export interface PartTensor {
  readonly dtype: HostDType;
  readonly shape: readonly (number | string)[];
  readonly what: string;
}

/** A part of a model that is a file of its own. */
export interface ExportPart {
  /** Name of the file, without precision and ending. */
  readonly file: string;
  readonly group: PartGroup;
  /** The task that a head is for. */
  readonly task?: string;
  readonly what: string;
  readonly f: Traceable;
  readonly inputs: Readonly<Record<string, PartTensor>>;
  readonly outputs: Readonly<Record<string, PartTensor>>;
}

export function floats(shape: PartTensor['shape'], what: string): PartTensor {
  return { dtype: 'float32', shape, what };
}

export function integers(shape: PartTensor['shape'], what: string): PartTensor {
  return { dtype: 'int32', shape, what };
}

export function pixelInput({ imageSize: [height, width] }: ModelConfig): PartTensor {
  return floats(['batch', 3, height, width], 'normalised pixels');
}

export const textInputs: Readonly<Record<string, PartTensor>> = {
  input_ids: integers(['batch', 'text'], 'token ids: `<s>`, the pieces, `</s>`, then `<pad>`'),
  attention_mask: integers(['batch', 'text'], '1 at tokens, 0 at padding'),
};

export function imageOf(pixels: Tensor | undefined): ImageInput {
  return { pixels: pixels as Tensor4D };
}

export function textOf({ input_ids, attention_mask }: TensorMap): {
  textIds: Tensor2D;
  paddingMask: Tensor2D;
} {
  const visible = ops.cast(attention_mask!, 'float32');
  return { textIds: input_ids as Tensor2D, paddingMask: ops.sub(1, visible) as Tensor2D };
}

/** Sizes of the free ones to trace a part at. */
const EXAMPLE = 4;

/** What a part is traced with: its inputs' shapes, and which of their sizes are free; `batch` may be fixed. */
export function exampleOf(
  { inputs }: ExportPart,
  batch: number | undefined,
): {
  example: Record<string, TensorSpec>;
  freeSizes: Record<string, Record<number, string>>;
} {
  const example: Record<string, TensorSpec> = {};
  const freeSizes: Record<string, Record<number, string>> = {};
  for (const [name, { dtype, shape }] of Object.entries(inputs)) {
    const sizes = shape.map((size) => (size === 'batch' && batch ? batch : size));
    example[name] = {
      dtype,
      shape: sizes.map((size) => (typeof size === 'number' ? size : EXAMPLE)),
    };
    freeSizes[name] = Object.fromEntries(
      sizes.flatMap((size, axis) => (typeof size === 'string' ? [[axis, size]] : [])),
    );
  }
  return { example, freeSizes };
}
