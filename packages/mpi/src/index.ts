export * from './environment/mpi-environment.js';
