import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A script that plain Node runs as a process or worker of its own. */
export interface Bundle {
  /** A folder of its own, for whatever the test writes. */
  folder: string;
  script: string;
  remove(): void;
}

/**
 * Bundles `NAME.ts` beside a test, with the optional dependency esbuild; tfjs and `external` stay outside.
 *
 * @param test `import.meta.url` of the test, in a folder of its package.
 */
export async function bundle(
  test: string,
  name: string,
  external: readonly string[] = [],
): Promise<Bundle> {
  const { build } = await import('esbuild');
  // Inside the package, so that the bundle finds what is external where the package does.
  const folder = mkdtempSync(fileURLToPath(new URL(`../node_modules/.${name}-`, test)));
  const script = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL(`${name}.ts`, test))],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['@tensorflow/*', ...external],
  });
  return { folder, script, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Whether there is an Open MPI: tests that need one are skipped, visibly, where there is none. */
export function hasMpirun(): boolean {
  return spawnSync('mpirun', ['--version']).status === 0;
}

/** What the processes of a launch have printed, and the exit code of mpirun. */
export interface Launched {
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

/**
 * Runs a script with arguments as `ranks` processes, be there as many processors or not; `watch` gets
 * mpirun's own process.
 */
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
