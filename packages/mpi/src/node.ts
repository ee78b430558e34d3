export { findLibMpi } from './node/library.js';
export * from './node/open-mpi.js';
