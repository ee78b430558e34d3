import { draw, type TextExample, toTensor } from '@imglish/core';
import { maskedText, wordSlots } from '@imglish/pretrain';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { encodeTexts, hostTexts, requireTokenizer } from '../inputs/texts.js';
import { wordSlotsOf } from '../inputs/word-slots.js';
import type { BatchContext, TaskBatch } from '../task.js';
import type { FillMaskInputs } from './head.js';
import type { FillMaskRecipe } from './recipe.js';

const WHERE = 'fillMask.batch';

/** Texts with words masked as in pretraining. */
export function batch(
  examples: readonly TextExample[],
  context: BatchContext<FillMaskRecipe>,
): TaskBatch<FillMaskInputs> {
  const { recipe, samples } = context;
  const tokenizer = requireTokenizer(WHERE, context);
  const texts = examples.map(({ text }) => text);
  const masked = encodeTexts(WHERE, context, texts, recipe.maxTextLength).map((text, i) =>
    maskedText(text, tokenizer, recipe.maskRatio, draw(recipe.seed, 'mask of text', samples[i])),
  );
  const { textIds, paddingMask } = hostTexts(masked);
  const each = wordSlots(masked[0]!.ids.length, recipe.maskRatio);
  const { positions, labels, weights, count } = wordSlotsOf(masked, each);
  return {
    size: examples.length,
    count,
    inputs: {
      textIds: toTensor(textIds) as Tensor2D,
      paddingMask: toTensor(paddingMask) as Tensor2D,
      slots: toTensor(positions) as Tensor1D,
      labels: toTensor(labels) as Tensor1D,
      weights: toTensor(weights) as Tensor1D,
      count,
    },
  };
}
