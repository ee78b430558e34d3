import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workspacePackages } from '../scripts/checks/workspace.mjs';

export const root: string = fileURLToPath(new URL('..', import.meta.url));

/** The packages that are published. */
export const published = workspacePackages(root).filter(({ manifest }) => !manifest.private);

/** Builds what changed, JavaScript and types, so that a test of built packages never sees old ones. */
export function build(): void {
  run('turbo', ['run', 'build:types', '--output-logs=errors-only'], root);
}

/** Runs a program (of the root's, or of the machine) and returns its stdout; throws with all it said. */
export function run(command: string, args: string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: {
      ...process.env,
      TURBO_TELEMETRY_DISABLED: '1',
      PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
    },
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}\n${stderr}`);
  return stdout;
}
