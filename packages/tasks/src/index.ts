export { embedImages, embedTexts } from './image-text-retrieval/head.js';
export { similarities } from './image-text-retrieval/loss.js';
export type { Task } from './task.js';
/** Every task by its name in camel case; a new one is a new folder and a line in `tasks.ts`. */
export * as tasks from './tasks.js';
