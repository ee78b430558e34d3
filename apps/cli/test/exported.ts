import {
  draw,
  type HostTensor,
  type HostTensorMap,
  initialValues,
  type ModelConfig,
  type ModelJson,
  preset,
  tensorEntry,
  writeModelDirectory,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { defaultPreprocessor } from '@imglish/tokenizers';
import { type Tensor as EagerTensor, tensor } from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ExportPart, PartTensor } from '../src/export/part.js';
import { specsOf } from '../src/model/head-specs.js';

/** Every head that there is. */
export const HEADS: readonly ModelJson['head'][] = [
  { task: 'masked-data-modelling', options: { codes: 11 } },
  { task: 'image-classification', options: { classes: 5 } },
  { task: 'visual-question-answering', options: { answers: 7 } },
  { task: 'visual-reasoning', options: { classes: 2 } },
  { task: 'image-text-retrieval', options: {} },
];

/** The tiny preset with random weights and a head, as released or as in the paper. */
export function tinyModel(
  head: ModelJson['head'],
  variant: ModelConfig['variant'] = 'released',
): ModelJson {
  const paper = { variant, fusionLayers: 2 } as const;
  return { head, model: { ...preset('tiny'), ...(variant === 'paper' ? paper : {}) } };
}

/** All parameters of a model: as it would begin, but no weight is 0 or 1 throughout. */
export function tinyValues(json: ModelJson): Map<string, { shape: number[]; data: Float32Array }> {
  return new Map(
    Object.entries(specsOf(json)).map(([name, spec]) => {
      const random = draw(4, `export test ${name}`);
      const data = initialValues(name, spec, 1).map((value) => value + 0.05 * random.normal());
      return [name, { shape: [...spec.shape], data }];
    }),
  );
}

export async function writeTinyModel(path: string, json: ModelJson): Promise<void> {
  await writeModelDirectory(fileDirectory(path), {
    config: { ...json },
    preprocessor: { ...defaultPreprocessor(json.model.imageSize) },
    tensors: [...tinyValues(json)].map(([name, { shape, data }]) =>
      tensorEntry(name, 'F32', shape, data),
    ),
  });
}

/** What the free sizes are in one run. */
export type Sizes = Readonly<Record<string, number>>;

/** Inputs that a part can be given: ids of the vocabulary, padding behind texts, positions in range. */
export function inputsOf(part: ExportPart, json: ModelJson, sizes: Sizes): HostTensorMap {
  const { vocabularySize } = json.model;
  return Object.fromEntries(
    Object.entries(part.inputs).map(([name, spec]): [string, HostTensor] => {
      const shape = shapeOf(spec, sizes);
      const random = draw(2, `export test ${name}`);
      const count = shape.reduce((product, n) => product * n, 1);
      const floats = () => Float32Array.from({ length: count }, () => random.normal());
      const integers = (value: (i: number) => number) =>
        Int32Array.from({ length: count }, (_, i) => value(i));
      if (spec.dtype === 'float32') return [name, { dtype: 'float32', shape, data: floats() }];
      const values: Record<string, (i: number) => number> = {
        input_ids: () => random.integer(vocabularySize),
        // One token less in every further row, but for the first.
        attention_mask: (i) => {
          const [row, column] = [Math.floor(i / shape[1]!), i % shape[1]!];
          return column === 0 || column < shape[1]! - row ? 1 : 0;
        },
        image_mask: (i) => i % 2,
        word_positions: (i) => (3 * i) % (sizes.batch! * sizes.text!),
        patch_positions: (i) => (5 * i) % (sizes.batch! * 16),
        position: () => 2,
      };
      return [name, { dtype: 'int32', shape, data: integers(values[name]!) }];
    }),
  );
}

/** The sizes of an input or output in a run; `text + 17` is a sum. */
export function shapeOf({ shape }: PartTensor, sizes: Sizes): number[] {
  return shape.map((size) =>
    String(size)
      .split(' + ')
      .reduce((sum, term) => sum + (sizes[term] ?? Number(term)), 0),
  );
}

export type Run = (inputs: HostTensorMap) => Promise<HostTensorMap>;

/** A file in plain onnxruntime-node, one thread. */
export async function openFile(path: string): Promise<Run & { close(): Promise<void> }> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1 });
  const run: Run = async (inputs) => {
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { dtype, data, shape }]) => [
        name,
        new Tensor(dtype, data as Float32Array, shape),
      ]),
    );
    const outputs = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { dims, data }]) => [
        name,
        { dtype: 'float32', shape: dims, data: data as Float32Array } satisfies HostTensor,
      ]),
    );
  };
  return Object.assign(run, { close: () => session.release() });
}

export function eagerTensors(inputs: HostTensorMap): Record<string, EagerTensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, data, shape }]) => [
      name,
      tensor(data, [...shape] as [number], dtype),
    ]),
  );
}

/** The cosine of two lists of numbers, and the largest difference in units of the second's deviation. */
export function likeness(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { cosine: number; worst: number } {
  let [ab, aa, bb, worst] = [0, 0, 0, 0];
  for (let i = 0; i < b.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
    worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  }
  return { cosine: ab / Math.sqrt(aa * bb), worst: worst / Math.sqrt(bb / b.length) };
}
