export * from './backend.js';
export * from './compiler.js';
export * from './executor.js';
export { toHost, toTensor } from './host-tensor.js';
export * from './one-engine.js';
