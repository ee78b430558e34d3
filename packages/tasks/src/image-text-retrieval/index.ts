import type { PairExample } from '@imglish/core';
import { MASKED_DATA_MODELLING, PRETRAINING } from '@imglish/pretrain';
import { defaultPreprocessor } from '@imglish/tokenizers';
import type { Task } from '../task.js';
import { batch } from './batch.js';
import { forward, headSpecs, type RetrievalInputs, type RetrievalOutputs } from './head.js';
import { loss } from './loss.js';
import { chance, type ImageReference, metric, reference } from './metric.js';
import { pixelBaseline } from './pixel-baseline.js';
import { type Embeddings, type ImageWithTexts, predict } from './predict.js';
import { type RetrievalRecipe, retrievalRecipe } from './recipe.js';

/** Images and texts as vectors of one space, near where they belong together (COCO, Flickr30k). */
export const imageTextRetrieval: Task<{
  Example: PairExample;
  Query: ImageWithTexts;
  Prediction: Embeddings;
  Reference: ImageReference;
  PredictOptions: Record<never, never>;
  Inputs: RetrievalInputs;
  Options: Record<never, never>;
  Outputs: RetrievalOutputs;
  Recipe: RetrievalRecipe;
}> = {
  name: 'image-text-retrieval',
  normalizeOutput: true,
  labels: undefined,
  readsText: true,
  partOf: [MASKED_DATA_MODELLING, PRETRAINING],
  options: () => ({}),
  preprocessor: defaultPreprocessor,
  recipe: retrievalRecipe,
  headSpecs,
  forward,
  loss,
  batch,
  query: ({ image, captions }) => ({ image, texts: captions }),
  predict,
  reference,
  metric,
  chance,
  pixels: pixelBaseline,
};
