import type { RgbImage } from '@imglish/core';
import { hostImages, imageInput } from '../inputs/images.js';
import { largest, rowsOf, softmax } from '../inputs/numbers.js';
import { perConfig } from '../inputs/per-config.js';
import type { TaskModel } from '../task.js';
import { forward } from './head.js';

/** A class with its probability. */
export interface ScoredLabel {
  readonly label: string;
  /** Place among the model's classes. */
  readonly index: number;
  /** 0 … 1. */
  readonly score: number;
}

export interface TopOptions {
  /** Answers for each query, default 5. */
  top?: number;
}

const classify = perConfig(
  (config) =>
    function imageClassification({ patches }, parameters) {
      return forward(parameters, config, { image: imageInput(config, patches!) });
    },
);

/** The most probable classes of each image, the most probable first. */
export async function predict(
  model: TaskModel,
  queries: readonly { image: RgbImage }[],
  { top = 5 }: TopOptions = {},
): Promise<ScoredLabel[][]> {
  const patches = hostImages(
    model,
    queries.map(({ image }) => image),
  );
  const { logits } = await model.executor.run(classify(model.config), { patches });
  return rowsOf(logits!).map((row) => scoredLabels(softmax(row), model.labels, top));
}

/** The `top` labels with the largest scores. */
export function scoredLabels(
  scores: ArrayLike<number>,
  labels: readonly string[],
  top: number,
): ScoredLabel[] {
  return largest(scores, top).map((index) => ({
    label: labels[index]!,
    index,
    score: scores[index]!,
  }));
}
