export * from './backend.js';
export * from './compiler.js';
export * from './one-engine.js';
