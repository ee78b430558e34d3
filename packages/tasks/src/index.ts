export {
  type FineTuningRecipe,
  OFFICIAL_DEFAULTS,
} from './fine-tuning/recipe.js';
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
export { type OpenTaskModel, taskModel } from './model/task-model.js';
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
/** Every task by its name in camel case; a new one is a new folder and a line in `tasks.ts`. */
export * as tasks from './tasks.js';
export type { Question, ScoredAnswer } from './visual-question-answering/predict.js';
export type { Judgement, Statement } from './visual-reasoning/predict.js';
