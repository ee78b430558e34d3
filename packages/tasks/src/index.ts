export { tasks } from './all.js';
export {
  type Augment,
  type AugmentationDraw,
  type TaskBatchOptions,
  taskBatches,
} from './fine-tuning/batches.js';
export {
  type Baselines,
  baselines,
  type Evaluation,
  type EvaluationOptions,
  evaluateTask,
} from './fine-tuning/evaluate.js';
export {
  type FineTuned,
  type FineTuneOptions,
  fineTune,
  type Validation,
  type ValidationScore,
} from './fine-tuning/fine-tune.js';
export { blind } from './fine-tuning/images-of.js';
export { type LoraOptions, loraSpecs, mergeLora } from './fine-tuning/lora.js';
export {
  type FineTuningRecipe,
  fineTuningRecipe,
  OFFICIAL_DEFAULTS,
  plannedSteps,
} from './fine-tuning/recipe.js';
export type { TuningOptions } from './fine-tuning/trained.js';
export * from './image-captioning/generate/index.js';
export { keptCount } from './image-captioning/loss.js';
export type { WrittenCaption } from './image-captioning/predict.js';
export type { ScoredLabel, TopOptions } from './image-classification/predict.js';
export { embedImages, embedTexts } from './image-text-retrieval/head.js';
export { similarities } from './image-text-retrieval/loss.js';
export {
  type Embeddings,
  type ImageWithTexts,
  imageVectors,
  textVectors,
} from './image-text-retrieval/predict.js';
export * from './metrics/index.js';
export { findTask, TASK_NAMES, unknownTask } from './model/find-task.js';
export {
  type Beginning,
  type BeginOptions,
  beginTask,
  loadTaskModel,
  type SavedTask,
  saveTaskModel,
  type TaskFiles,
  taskSpecs,
} from './model/save-load.js';
export { type OpenTaskModel, taskModel } from './model/task-model.js';
export * from './pipeline/index.js';
export type {
  BatchContext,
  Metrics,
  Task,
  TaskBatch,
  TaskHead,
  TaskModel,
  TaskReader,
  TaskTypes,
} from './task.js';

export type { Question, ScoredAnswer } from './visual-question-answering/predict.js';
export type { Judgement, Statement } from './visual-reasoning/predict.js';
