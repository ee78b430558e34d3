import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

/** A script of this folder, bundled so that plain Node runs it as a process or worker of its own. */
export interface Bundle {
  /** A folder of its own, for whatever the test writes. */
  folder: string;
  script: string;
  remove(): void;
}

export async function bundle(name: string): Promise<Bundle> {
  // Inside the package, so that the bundle finds tfjs where the package does.
  const folder = mkdtempSync(join(packageFolder, 'node_modules', `.${name}-`));
  const script = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [join(packageFolder, 'test', `${name}.ts`)],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['@tensorflow/*'],
  });
  return { folder, script, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
