import { spawn, spawnSync } from 'node:child_process';

/** Tests that need Open MPI are skipped, visibly, where there is none. */
export const hasMpirun: boolean = spawnSync('mpirun', ['--version']).status === 0;

/** What the processes of a launch have printed, and the exit code of mpirun. */
export interface Launch {
  code: number | null;
  out: string;
  err: string;
}

/** Lets mpirun start processes whoever it is run as. */
const ENVIRONMENT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  PRTE_ALLOW_RUN_AS_ROOT: '1',
  PRTE_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
};

/** Runs a script with arguments as `ranks` processes, be there as many processors or not. */
export function mpirun(ranks: number, ...command: string[]): Promise<Launch> {
  const options = ['--oversubscribe', '--bind-to', 'none', '-np', String(ranks)];
  const child = spawn('mpirun', [...options, process.execPath, ...command], {
    env: { ...process.env, ...ENVIRONMENT },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk) => out.push(String(chunk)));
  child.stderr.on('data', (chunk) => err.push(String(chunk)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out: out.join(''), err: err.join('') }));
  });
}
