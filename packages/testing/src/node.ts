export * from './fixtures.js';
export * from './processes.js';
export * from './read-safetensors.js';
