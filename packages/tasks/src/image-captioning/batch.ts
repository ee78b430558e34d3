import {
  draw,
  type HostTensor,
  type PairExample,
  patchGrid,
  toTensor,
  unidirectionalMask,
} from '@imglish/core';
import { maskedText, wordSlots } from '@imglish/pretrain';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { drawnCaption } from '../inputs/captions.js';
import { hostImages, imageTensor } from '../inputs/images.js';
import { encodeTexts, hostTexts, requireTokenizer } from '../inputs/texts.js';
import { wordSlotsOf } from '../inputs/word-slots.js';
import type { BatchContext, TaskBatch } from '../task.js';
import type { CaptioningInputs } from './head.js';
import { type CaptioningTargets, keptCount } from './loss.js';
import type { CaptioningRecipe } from './recipe.js';

const WHERE = 'imageCaptioning.batch';

/**
 * Images, each with one of its captions, words masked (datasets.py:646-667): of n ids
 * max(1, min(⌊n · ratio + ½⌋, n − 1)), `<s>` never and `</s>` perhaps.
 */
export function batch(
  examples: readonly PairExample[],
  context: BatchContext<CaptioningRecipe>,
): TaskBatch<CaptioningInputs & CaptioningTargets> {
  const { config, recipe, samples, step } = context;
  const tokenizer = requireTokenizer(WHERE, context);
  const captions = examples.map((pair, i) => drawnCaption(WHERE, pair, recipe.seed, samples[i]!));
  const masked = encodeTexts(WHERE, context, captions, recipe.maxTextLength).map((text, i) =>
    maskedText(text, tokenizer, recipe.maskRatio, draw(recipe.seed, 'mask of caption', samples[i])),
  );
  const length = masked[0]!.ids.length;
  const { textIds, paddingMask } = hostTexts(masked);
  const { positions, labels, weights, count } = wordSlotsOf(
    masked,
    wordSlots(length, recipe.maskRatio),
  );
  const images = hostImages(
    context,
    examples.map(({ image }) => image),
  );
  const dropping = recipe.dropWorst > 0 && step > recipe.dropWorstAfter;
  const kept = dropping ? keptCount(count, recipe.dropWorst) : count;
  return {
    size: examples.length,
    count: kept,
    inputs: {
      image: imageTensor(config, images),
      textIds: toTensor(textIds) as Tensor2D,
      paddingMask: toTensor(paddingMask) as Tensor2D,
      attentionMask: toTensor(generationMask(patchGrid(config), length)) as Tensor2D,
      slots: toTensor(positions) as Tensor1D,
      labels: toTensor(labels) as Tensor1D,
      weights: toTensor(weights) as Tensor1D,
      count: kept,
      labelSmoothing: recipe.labelSmoothing,
      ...(dropping ? { places: firstPlaces(weights.shape[0]!, kept) } : {}),
    },
  };
}

function generationMask([rows, columns]: readonly [number, number], length: number): HostTensor {
  const imageLength = 1 + rows * columns;
  const shape = [imageLength + length, imageLength + length];
  return { dtype: 'float32', shape, data: unidirectionalMask(imageLength, length) };
}

function firstPlaces(slots: number, count: number): Tensor1D {
  const data = new Float32Array(slots).fill(1, 0, count);
  return toTensor({ dtype: 'float32', shape: [slots], data }) as Tensor1D;
}
