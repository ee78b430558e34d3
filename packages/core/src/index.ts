export * from './bytes/bytes.js';
export * from './errors/errors.js';
export * from './parameters/parameters.js';
export * from './random/random.js';
