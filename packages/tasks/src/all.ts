/** Every task by its name in camel case; a new one is a new folder and a line in `tasks.ts`. */
export * as tasks from './tasks.js';
