import { type TextClassificationExample, toTensor } from '@imglish/core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { checkLabel } from '../inputs/labels.js';
import { encodeTexts, hostTexts } from '../inputs/texts.js';
import type { BatchContext, TaskBatch } from '../task.js';
import type { TextClassificationInputs } from './index.js';
import type { TextClassificationRecipe } from './recipe.js';

const WHERE = 'textClassification.batch';

/** Texts with their classes. */
export function batch(
  examples: readonly TextClassificationExample[],
  context: BatchContext<TextClassificationRecipe>,
): TaskBatch<TextClassificationInputs> {
  const { recipe, labels } = context;
  const size = examples.length;
  const classes = Int32Array.from(examples, ({ id, label }) =>
    checkLabel(WHERE, id, label, labels),
  );
  const texts = examples.map(({ text }) => text);
  const { textIds, paddingMask } = hostTexts(
    encodeTexts(WHERE, context, texts, recipe.maxTextLength),
  );
  return {
    size,
    count: size,
    inputs: {
      textIds: toTensor(textIds) as Tensor2D,
      paddingMask: toTensor(paddingMask) as Tensor2D,
      labels: toTensor({ dtype: 'int32', shape: [size], data: classes }) as Tensor1D,
      labelSmoothing: recipe.labelSmoothing,
    },
  };
}
