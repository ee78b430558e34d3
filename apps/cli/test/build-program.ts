import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

export const root: string = fileURLToPath(new URL('../../..', import.meta.url));

/** The built program. */
export const program: string = join(root, 'apps/cli/dist/main.js');

/** Builds the program and what it depends on. */
export function buildProgram(): void {
  const turbo = join(root, 'node_modules/.bin/turbo');
  const args = ['run', 'build', '--filter=@imglish/cli...', '--output-logs=errors-only'];
  const { status, stdout, stderr } = spawnSync(turbo, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
  });
  expect(status, `${stdout}${stderr}`).toBe(0);
}
