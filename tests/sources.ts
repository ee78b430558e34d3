import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Workspace package → its source file, as tsconfig.json maps them, so that tests run on sources and
 * need no build.
 */
export function sourceAlias(): { find: RegExp; replacement: string }[] {
  const tsconfig = new URL('../tsconfig.json', import.meta.url);
  const { paths } = JSON.parse(readFileSync(tsconfig, 'utf8')).compilerOptions;
  return Object.entries(paths as Record<string, [string]>).map(([name, [file]]) => ({
    find: new RegExp(`^${name}$`),
    replacement: fileURLToPath(new URL(file, tsconfig)),
  }));
}

/** Sources that are made from others, once before the tests. */
export const generators: string[] = [
  'packages/core/scripts/bundle-gradients.mjs',
  'packages/backends/wasm/scripts/compile-kernels.mjs',
];
