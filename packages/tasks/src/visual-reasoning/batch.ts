import { DataError, toTensor, type VisualReasoningExample } from '@imglish/core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { hostImages, imageTensor } from '../inputs/images.js';
import { encodeTexts, hostTexts } from '../inputs/texts.js';
import type { BatchContext, TaskBatch } from '../task.js';
import type { ReasoningInputs } from './index.js';
import type { ReasoningRecipe } from './recipe.js';

const WHERE = 'visualReasoning.batch';

/** Both images, statements, and whether they hold. */
export function batch(
  examples: readonly VisualReasoningExample[],
  context: BatchContext<ReasoningRecipe>,
): TaskBatch<ReasoningInputs> {
  const { config, recipe } = context;
  const size = examples.length;
  const labels = Int32Array.from(examples, (example) => Number(labelOf(WHERE, example)));
  const statements = examples.map(({ statement }) => statement);
  const texts = hostTexts(encodeTexts(WHERE, context, statements, recipe.maxTextLength));
  const [left, right] = [0, 1].map((side) =>
    hostImages(
      context,
      examples.map(({ images }) => images[side]!),
    ),
  );
  return {
    size,
    count: size,
    inputs: {
      imageA: imageTensor(config, left!),
      imageB: imageTensor(config, right!),
      textIds: toTensor(texts.textIds) as Tensor2D,
      paddingMask: toTensor(texts.paddingMask) as Tensor2D,
      labels: toTensor({ dtype: 'int32', shape: [size], data: labels }) as Tensor1D,
    },
  };
}

/** Whether a statement holds; `data/no-label` where that is kept secret. */
export function labelOf(where: string, { id, label }: VisualReasoningExample): boolean {
  if (label !== undefined) return label;
  throw new DataError({
    code: 'data/no-label',
    where,
    expected: 'statements that are known to be true or false',
    got: `${JSON.stringify(id)}, of which it is not known`,
  });
}
