export * from './fixtures.js';
export * from './read-safetensors.js';
