export * from './node/engine-description.js';
export type { Observer } from './node/observer.js';
export * from './node/open-run.js';
export type { Retention } from './node/retention.js';
export * from './node/stop-signal.js';
export * from './node/tensorboard/tensorboard.js';
export * from './node/terminal.js';
export * from './node/threads.js';
