import { type ChildProcess, spawn } from 'node:child_process';

/** What a launch has printed, and how it ended. */
export interface Launched {
  code: number | null;
  out: string;
  err: string;
}

/** Lets a test start more ranks than there are processors, as whoever it runs as. */
const ENVIRONMENT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  PRTE_ALLOW_RUN_AS_ROOT: '1',
  PRTE_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
};

/** Runs a script with arguments as `ranks` processes; `watch` gets mpirun's own process. */
export function mpirun(
  ranks: number,
  command: readonly string[],
  watch?: (child: ChildProcess) => void,
): Promise<Launched> {
  const options = ['--oversubscribe', '--bind-to', 'none', '-np', String(ranks)];
  const child = spawn('mpirun', [...options, process.execPath, ...command], {
    env: { ...process.env, ...ENVIRONMENT },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk) => out.push(String(chunk)));
  child.stderr.on('data', (chunk) => err.push(String(chunk)));
  watch?.(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out: out.join(''), err: err.join('') }));
  });
}
