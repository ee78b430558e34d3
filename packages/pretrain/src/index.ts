export { disposeBatch } from './batches/dispose-batch.js';
export { epochOrder } from './batches/epoch-order.js';
export * from './batches/masked-example.js';
export {
  type PretrainBatch,
  type PretrainBatchOptions,
  pretrainBatches,
  type StreamMix,
} from './batches/pretrain-batches.js';
export type { ReadAhead } from './batches/read-ahead.js';
export { sampleOrder } from './batches/sample-order.js';
export type { BrokenSample, ReadingOptions } from './batches/sample-reader.js';
export * from './bundle/begin.js';
export type { PretrainedModel, ServedModel } from './bundle/pretrained-model.js';
export * from './bundle/save-load.js';
export { type LabelFrequencies, labelFrequencies, unigramLoss } from './evaluate/baseline.js';
export * from './evaluate/evaluate.js';
export type { Score } from './evaluate/tally.js';
export * from './fill/fill-image.js';
export {
  type FilledText,
  type FillTextOptions,
  fillText,
  type WordGuess,
} from './fill/fill-text.js';
export type { FillingModel, TextFillingModel } from './fill/model-inputs.js';
export { mostProbable, softmax } from './fill/most-probable.js';
export * from './masking/block-mask.js';
export * from './objectives/contrastive-loss.js';
export {
  contrastiveHeadSpecs,
  embedImages,
  embedTexts,
  imageTextContrastive,
  inverseTemperature,
} from './objectives/image-text-contrastive.js';
export { imageTextMatching } from './objectives/image-text-matching.js';
export { languageModelling } from './objectives/language-modelling.js';
export * from './objectives/masked-data-modelling.js';
export * from './objectives/mixture.js';
export type * from './objectives/objective.js';
export * from './objectives/objectives.js';
export { pixelRegression } from './objectives/pixel-regression.js';
export * from './objectives/pretrain-loss.js';
export * from './objectives/run-masked-logits.js';
export type { StepPairs } from './objectives/step-pairs.js';
export type { BrokenRecord } from './recipe/broken-records.js';
export * from './recipe/initialization.js';
export * from './recipe/pretrain.js';
export * from './recipe/recipe.js';
export * from './vq-kd/index.js';
