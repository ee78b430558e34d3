export { findLibMpi, type LoadedLibrary, loadLibMpi } from './node/library.js';
export * from './node/open-mpi.js';
