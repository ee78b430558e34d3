import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

/** A script of this folder, bundled so that plain Node runs it as a process of its own. */
export interface Bundle {
  /** A folder of its own, for whatever the test writes. */
  folder: string;
  script: string;
  remove(): void;
}

export async function bundle(name: string): Promise<Bundle> {
  // Inside the package, so that the bundle finds koffi and tfjs where the package does.
  const folder = mkdtempSync(join(packageFolder, 'node_modules', `.${name}-`));
  const script = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [join(packageFolder, 'test', `${name}.ts`)],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['@tensorflow/*', 'koffi'],
  });
  return { folder, script, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Tests that need Open MPI are skipped, visibly, where there is none. */
export const hasMpirun: boolean = spawnSync('mpirun', ['--version']).status === 0;
