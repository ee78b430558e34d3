export * from './autodiff/autodiff.js';
export * from './bytes/bytes.js';
export * from './errors/errors.js';
export * from './parameters/parameters.js';
export * from './random/random.js';
export * from './examples/examples.js';
