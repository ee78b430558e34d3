export * from './batches.js';
export type { VqKdBatch } from './objective.js';
export * from './recipe.js';
export { beginVqKd, disposeVqKdState, type VqKdState } from './state.js';
export { type VqKdStepMetrics, type VqKdStepOptions, vqKdStep } from './step.js';
export type { CodebookEvent } from './stepper.js';
export * from './teachers.js';
export * from './train-vq-kd.js';
