import { type PairExample, toTensor } from '@imglish/core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { drawnCaption } from '../inputs/captions.js';
import { hostImages, imageTensor } from '../inputs/images.js';
import { encodeTexts, hostTexts } from '../inputs/texts.js';
import type { BatchContext, TaskBatch } from '../task.js';
import type { RetrievalInputs } from './head.js';
import type { RetrievalRecipe } from './recipe.js';

const WHERE = 'imageTextRetrieval.batch';

/**
 * Images, each with one of its captions. All others of the batch are its negatives, the same image or
 * text among them too, as in the reference (utils.py:652-728).
 */
export function batch(
  examples: readonly PairExample[],
  context: BatchContext<RetrievalRecipe>,
): TaskBatch<RetrievalInputs> {
  const { config, recipe, samples } = context;
  const captions = examples.map((pair, i) => drawnCaption(WHERE, pair, recipe.seed, samples[i]!));
  const texts = hostTexts(encodeTexts(WHERE, context, captions, recipe.maxTextLength));
  const images = hostImages(
    context,
    examples.map(({ image }) => image),
  );
  return {
    size: examples.length,
    count: examples.length,
    inputs: {
      image: imageTensor(config, images),
      textIds: toTensor(texts.textIds) as Tensor2D,
      paddingMask: toTensor(texts.paddingMask) as Tensor2D,
    },
  };
}
