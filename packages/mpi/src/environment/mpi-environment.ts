import { ConfigError } from '@imglish/core';

/** How this process was launched, as one of several. */
export interface MpiEnvironment {
  launcher: 'mpirun' | 'srun';
  /** Which of the processes this is, 0 … size − 1. */
  rank: number;
  size: number;
}

/** `process.env`, or what stands for it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Recognises a launch by Open MPI's `mpirun` or by Slurm's `srun --mpi=pmix`, from the environment
 * alone; undefined for a process that was started by itself, the script of a Slurm job included.
 *
 * Throws `config/mpi-launch` for several tasks of an `srun` that tells them nothing of each other:
 * each would take itself for the only one.
 */
export function mpiEnvironment(environment: Environment): MpiEnvironment | undefined {
  const {
    OMPI_COMM_WORLD_RANK: rank,
    OMPI_COMM_WORLD_SIZE: size,
    PMIX_RANK: task,
    SLURM_STEP_NUM_TASKS: tasks,
  } = environment;
  if (rank !== undefined && size !== undefined) return launchOf('mpirun', rank, size);
  // A job that was submitted from within a step inherits its variables, but no rank.
  if (tasks === undefined || environment.SLURM_PROCID === undefined) return undefined;
  if (task !== undefined) return launchOf('srun', task, tasks);
  if (Number(tasks) === 1) return undefined;
  throw new ConfigError({
    code: 'config/mpi-launch',
    where: 'mpiEnvironment',
    expected: `the ${tasks} tasks of this step to be launched with PMIx`,
    got: 'no PMIX_RANK in the environment',
    fix: 'Launch with `srun --mpi=pmix`, with `mpirun`, or as a single task.',
  });
}

function launchOf(
  launcher: MpiEnvironment['launcher'],
  rank: string,
  size: string,
): MpiEnvironment {
  const launch = { launcher, rank: wholeNumber(rank), size: wholeNumber(size) };
  if (launch.rank < launch.size) return launch;
  throw new ConfigError({
    code: 'config/mpi-launch',
    where: 'mpiEnvironment',
    expected: `a rank below the number of processes that ${launcher} tells`,
    got: `rank "${rank}" of "${size}"`,
    fix: 'Unset the variables that an earlier launch has left.',
  });
}

function wholeNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}
