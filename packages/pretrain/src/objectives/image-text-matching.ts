import { beit3, firstVectors, linearSpecs, namedLinear, ops } from '@imglish/core';
import {
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tensor2d,
  tensor3d,
} from '@tensorflow/tfjs-core';
import { dropPathOf } from '../batches/drop-path.js';
import { numbersOf, type Samples } from '../batches/samples.js';
import { drawNegatives } from './hard-negatives.js';
import type { Objective, ObjectiveData } from './objective.js';
import { type PlainPairs, plainPairs } from './plain-pairs.js';
import type { StepPairs } from './step-pairs.js';

export interface MatchingInputs extends PlainPairs {
  /** Of the three sides, `[layers, 2, 3 B]`. */
  dropPath?: Tensor3D | undefined;
  /** Once the negatives are drawn. */
  wrong?: WrongSides;
}

/** For each pair an image that is wrong for its text, and a text that is wrong for its image. */
export interface WrongSides {
  /** `[B, P, 3 p p]`. */
  patches: Tensor3D;
  /** `[B, T]` int32. */
  textIds: Tensor2D;
  paddingMask: Tensor2D;
  /** Of B pairs, B wrong images, B wrong texts: 1 for a pair `[3 B]` int32. */
  labels: Tensor1D;
  /** 0 where there was nothing wrong to be found `[3 B]`. */
  weights: Tensor1D;
  /** Weights of 1. */
  count: number;
}

/**
 * Image–text matching with hard negatives (VLMo, arXiv 2111.02358, section 3.2): does this text belong
 * to this image? Read together are each pair, its text with a wrong image and its image with a wrong
 * text. Wrong ones come from the whole step, those drawn most that image–text contrast finds most
 * alike. `itm_head(tanh(itm_pooler(<cls>)))` gives two logits, of no and yes.
 */
export const imageTextMatching: Objective<MatchingInputs> = {
  name: 'image-text-matching',
  streams: ['pair'],
  parts: ['matching'],
  needs: ['image-text-contrastive'],
  predictsCodes: false,
  headSpecs: ({ dim }) => ({
    ...linearSpecs('itm_pooler', dim, dim),
    ...linearSpecs('itm_head', dim, 2),
  }),
  reader,
  counts: ({ wrong }) => ({ matching: wrong!.count }),
  losses(parameters, config, inputs, encoder) {
    const { image, textIds, paddingMask, dropPath, wrong } = inputs;
    const { patches, grid } = image;
    const sides = {
      image: { patches: ops.concat([patches, wrong!.patches, patches], 0), grid },
      textIds: ops.concat([textIds, textIds, wrong!.textIds], 0),
      paddingMask: ops.concat([paddingMask, paddingMask, wrong!.paddingMask], 0),
    };
    const { sequence } = beit3(parameters, config, sides, { ...encoder, dropPath });
    const cls = firstVectors(sequence); // [3 B, D]
    const pooled = ops.tanh(namedLinear(cls, parameters, 'itm_pooler'));
    const logits = namedLinear(pooled, parameters, 'itm_head') as Tensor2D; // [3 B, 2]
    const sum = ops.maskedCrossEntropy(logits, wrong!.labels, wrong!.weights);
    return { matching: { sum, count: wrong!.count } };
  },
  completion: { always: true, complete },
};

function reader(data: ObjectiveData) {
  const { config, mix, seed } = data;
  const read = plainPairs(data);
  return async (index: number, samples: Samples): Promise<MatchingInputs> => {
    const numbers = numbersOf(index, mix.pair);
    const pairs = await read(numbers, samples);
    const sides = ['pair', 'wrong image', 'wrong text'].flatMap((side) => {
      const dropPath = dropPathOf(config, seed, `matching of ${side}`, numbers);
      return dropPath ? [dropPath] : [];
    });
    const dropPath = sides.length > 0 ? (ops.concat(sides, 2) as Tensor3D) : undefined;
    for (const side of sides) side.dispose();
    return { ...pairs, dropPath };
  };
}

async function complete(
  inputs: readonly MatchingInputs[],
  step: StepPairs,
): Promise<MatchingInputs[]> {
  const gathered = async (of: (own: MatchingInputs) => Tensor) =>
    step.gather(await Promise.all(inputs.map(async (own) => of(own).data())));
  const patches = rowsOf(await gathered(({ image }) => image.patches), step.count);
  const ids = rowsOf(await gathered(({ textIds }) => textIds), step.count);
  const padding = rowsOf(await gathered(({ paddingMask }) => paddingMask), step.count);
  const same = {
    image: (i: number, j: number) => equal(patches(i), patches(j)),
    text: (i: number, j: number) => equal(ids(i), ids(j)),
  };
  return inputs.map((own, batch) => {
    const first = step.first[batch]!;
    const drawn = Array.from({ length: step.each }, (_, i) => drawNegatives(first + i, step, same));
    // An empty slot holds the pair itself; its weight is 0.
    const images = drawn.map(({ image }, i) => image ?? first + i);
    const texts = drawn.map(({ text }, i) => text ?? first + i);
    const found = [
      ...drawn.map(() => true),
      ...drawn.map(({ image }) => image !== undefined),
      ...drawn.map(({ text }) => text !== undefined),
    ];
    const wrong: WrongSides = {
      patches: tensor3d(stacked(images.map(patches)), own.image.patches.shape),
      textIds: tensor2d(Int32Array.from(stacked(texts.map(ids))), own.textIds.shape, 'int32'),
      paddingMask: tensor2d(stacked(texts.map(padding)), own.paddingMask.shape),
      labels: tensor1d(
        Int32Array.from(found, (_, side) => (side < step.each ? 1 : 0)),
        'int32',
      ),
      weights: tensor1d(Float32Array.from(found, (is) => (is ? 1 : 0))),
      count: found.filter((is) => is).length,
    };
    return { ...own, wrong };
  });
}

function rowsOf(values: Float32Array, count: number): (row: number) => Float32Array {
  const width = values.length / count;
  return (row) => values.subarray(row * width, (row + 1) * width);
}

function stacked(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.length * rows[0]!.length);
  rows.forEach((row, i) => {
    all.set(row, i * row.length);
  });
  return all;
}

function equal(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, i) => value === b[i]);
}
