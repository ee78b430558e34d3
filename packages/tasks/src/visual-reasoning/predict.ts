import type { RgbImage } from '@imglish/core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { hostImages, imageInput } from '../inputs/images.js';
import { rowsOf, softmax } from '../inputs/numbers.js';
import { perConfig } from '../inputs/per-config.js';
import { encodeTexts, hostTexts } from '../inputs/texts.js';
import type { TaskModel } from '../task.js';
import { forward } from './head.js';

/** A statement about two images. */
export interface Statement {
  readonly images: readonly [left: RgbImage, right: RgbImage];
  readonly statement: string;
}

/** Whether a statement holds. */
export interface Judgement {
  readonly label: boolean;
  /** Probability that it does, 0 … 1. */
  readonly probability: number;
}

const judge = perConfig(
  (config) =>
    function visualReasoning({ leftPatches, rightPatches, textIds, paddingMask }, parameters) {
      return forward(parameters, config, {
        imageA: imageInput(config, leftPatches!),
        imageB: imageInput(config, rightPatches!),
        textIds: textIds as Tensor2D,
        paddingMask: paddingMask as Tensor2D,
      });
    },
);

/** Whether each statement holds. */
export async function predict(
  model: TaskModel,
  queries: readonly Statement[],
): Promise<Judgement[]> {
  const side = (index: 0 | 1) =>
    hostImages(
      model,
      queries.map(({ images }) => images[index]),
    );
  const statements = queries.map(({ statement }) => statement);
  const { logits } = await model.executor.run(judge(model.config), {
    leftPatches: side(0),
    rightPatches: side(1),
    ...hostTexts(encodeTexts('visualReasoning.predict', model, statements)),
  });
  return rowsOf(logits!).map((row) => {
    const probability = softmax(row)[1]!;
    return { label: row[1]! > row[0]!, probability };
  });
}
