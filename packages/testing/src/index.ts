export * from './all-close.js';
export * from './each-backend.js';
export * from './leaks.js';
export * from './memory-compiler.js';
