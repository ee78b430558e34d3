import { imageCaptioning } from './image-captioning/index.js';
import { imageClassification } from './image-classification/index.js';
import { imageTextRetrieval } from './image-text-retrieval/index.js';
import { visualQuestionAnswering } from './visual-question-answering/index.js';
import { visualReasoning } from './visual-reasoning/index.js';

export { embedImages, embedTexts } from './image-text-retrieval/head.js';
export { similarities } from './image-text-retrieval/loss.js';
export type { Task } from './task.js';

/** Every task; a new one is a new folder and one line here. */
export const tasks = {
  imageCaptioning,
  imageClassification,
  imageTextRetrieval,
  visualQuestionAnswering,
  visualReasoning,
} as const;
