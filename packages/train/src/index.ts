export * from './communicator/communicator.js';
export * from './communicator/rank-errors.js';
export { compileFor, hostScalar, type RunInputs } from './compiled/functions.js';
export { type Layout, layoutOf } from './compiled/layout.js';
export {
  disposeRegions,
  openRegions,
  type StateRegions,
  stateIn,
} from './compiled/regions.js';
export type { IndexedBatch } from './loop/batches.js';
export * from './loop/contracts.js';
export type { Patience } from './loop/data-wait.js';
export type { Exchange, ForwardedBatch } from './loop/exchange.js';
export type { NormRule } from './loop/norm-watch.js';
export { assertFinite } from './loop/not-finite.js';
export { sourceOf, tensorsOf } from './loop/state.js';
export { type StepGradients, type StepInputs, stepGradients } from './loop/step.js';
export type { Loan, Stepper } from './loop/stepper.js';
export * from './loop/train.js';
export * from './loop/warnings.js';
export * from './optimizer/adamw.js';
export {
  adamWUpdate,
  checkedAdamW,
  type StepFactors,
  stepFactors,
} from './optimizer/adamw-update.js';
export { type EmaOptions, emaDecay } from './optimizer/average.js';
export { clipFactor, globalNorm, recordedClipFactor } from './optimizer/clip.js';
export * from './optimizer/groups.js';
export * from './progress/progress.js';
export * from './schedule/schedule.js';
