export * from './communicator/communicator.js';
export * from './loop/contracts.js';
export * from './loop/train.js';
export * from './optimizer/adamw.js';
export { clipFactor, globalNorm } from './optimizer/clip.js';
export * from './optimizer/groups.js';
export * from './progress/progress.js';
export * from './schedule/schedule.js';
