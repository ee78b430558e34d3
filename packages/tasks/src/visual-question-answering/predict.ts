import type { RgbImage } from '@imglish/core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { TopOptions } from '../image-classification/predict.js';
import { hostImages, imageInput } from '../inputs/images.js';
import { largest, rowsOf, sigmoid } from '../inputs/numbers.js';
import { perConfig } from '../inputs/per-config.js';
import { encodeTexts, hostTexts } from '../inputs/texts.js';
import type { TaskModel } from '../task.js';
import { forward } from './head.js';

/** A question about an image. */
export interface Question {
  readonly image: RgbImage;
  readonly question: string;
}

/** An answer and how right it is expected to be, 0 … 1. */
export interface ScoredAnswer {
  readonly answer: string;
  readonly score: number;
}

const answer = perConfig(
  (config) =>
    function visualQuestionAnswering({ patches, textIds, paddingMask }, parameters) {
      return forward(parameters, config, {
        image: imageInput(config, patches!),
        textIds: textIds as Tensor2D,
        paddingMask: paddingMask as Tensor2D,
      });
    },
);

/** The best answers to each question, the best first. */
export async function predict(
  model: TaskModel,
  queries: readonly Question[],
  { top = 5 }: TopOptions = {},
): Promise<ScoredAnswer[][]> {
  const questions = queries.map(({ question }) => question);
  const inputs = {
    patches: hostImages(
      model,
      queries.map(({ image }) => image),
    ),
    ...hostTexts(encodeTexts('visualQuestionAnswering.predict', model, questions)),
  };
  const { logits } = await model.executor.run(answer(model.config), inputs);
  return rowsOf(logits!).map((row) =>
    largest(row, top).map((i) => ({ answer: model.labels[i]!, score: sigmoid(row[i]!) })),
  );
}
