import type { Tensor2D } from '@tensorflow/tfjs-core';
import {
  type ScoredLabel,
  scoredLabels,
  type TopOptions,
} from '../image-classification/predict.js';
import { rowsOf, softmax } from '../inputs/numbers.js';
import { perConfig } from '../inputs/per-config.js';
import { encodeTexts, hostTexts } from '../inputs/texts.js';
import type { TaskModel } from '../task.js';
import { forward } from './head.js';

const classify = perConfig(
  (config) =>
    function textClassification({ textIds, paddingMask }, parameters) {
      return forward(parameters, config, {
        textIds: textIds as Tensor2D,
        paddingMask: paddingMask as Tensor2D,
      });
    },
);

/** The most probable classes of each text, the most probable first. */
export async function predict(
  model: TaskModel,
  queries: readonly { text: string }[],
  { top = 5 }: TopOptions = {},
): Promise<ScoredLabel[][]> {
  const texts = queries.map(({ text }) => text);
  const inputs = { ...hostTexts(encodeTexts('textClassification.predict', model, texts)) };
  const { logits } = await model.executor.run(classify(model.config), inputs);
  return rowsOf(logits!).map((row) => scoredLabels(softmax(row), model.labels, top));
}
