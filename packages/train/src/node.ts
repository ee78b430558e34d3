export * from './node/engine-description.js';
export * from './node/open-run.js';
export * from './node/stop-signal.js';
export * from './node/terminal.js';
export * from './node/threads.js';
