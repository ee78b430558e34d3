export { fillMask } from './fill-mask/index.js';
export { imageCaptioning } from './image-captioning/index.js';
export { imageClassification } from './image-classification/index.js';
export { imageTextRetrieval } from './image-text-retrieval/index.js';
export { textClassification } from './text-classification/index.js';
export { visualQuestionAnswering } from './visual-question-answering/index.js';
export { visualReasoning } from './visual-reasoning/index.js';
