import { describe, expect, it } from 'vitest';
import { mpiEnvironment } from './mpi-environment.js';

/** What a step of Slurm sets in each of its tasks. */
const step = { SLURM_JOB_ID: '7', SLURM_PROCID: '1', SLURM_STEP_NUM_TASKS: '2' };

describe('mpiEnvironment', () => {
  it('knows a process of mpirun', () => {
    const environment = { OMPI_COMM_WORLD_RANK: '3', OMPI_COMM_WORLD_SIZE: '4' };
    expect(mpiEnvironment(environment)).toEqual({ launcher: 'mpirun', rank: 3, size: 4 });
  });

  it('knows a task of srun --mpi=pmix', () => {
    const expected = { launcher: 'srun', rank: 1, size: 2 };
    expect(mpiEnvironment({ ...step, PMIX_RANK: '1' })).toEqual(expected);
  });

  it('takes the word of mpirun within a job of Slurm', () => {
    const environment = { OMPI_COMM_WORLD_RANK: '5', OMPI_COMM_WORLD_SIZE: '6', PMIX_RANK: '5' };
    expect(mpiEnvironment({ ...step, ...environment })).toMatchObject({ rank: 5, size: 6 });
  });

  it.each<[string, Record<string, string>]>([
    ['a process by itself', { PATH: '/bin' }],
    ['the script of a job', { SLURM_JOB_ID: '7', SLURM_PROCID: '0', SLURM_NTASKS: '4' }],
    ['a step of one task', { ...step, SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: '1' }],
  ])('finds no launch in the environment of %s', (_, environment) => {
    expect(mpiEnvironment(environment)).toBeUndefined();
  });

  it('refuses tasks that know nothing of each other, and says what to do', () => {
    expect(() => mpiEnvironment(step)).toThrow(
      expect.objectContaining({ code: 'config/mpi-launch', fix: expect.stringContaining('pmix') }),
    );
  });

  it.each([
    ['4', '4'],
    ['', '4'],
    ['-1', '2'],
    ['0', '0'],
  ])('refuses rank "%s" of "%s"', (rank, size) => {
    const environment = { OMPI_COMM_WORLD_RANK: rank, OMPI_COMM_WORLD_SIZE: size };
    expect(() => mpiEnvironment(environment)).toThrow(
      expect.objectContaining({ code: 'config/mpi-launch' }),
    );
  });
});
