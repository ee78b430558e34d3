import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

const named = (name: string, from = '@tensorflow/tfjs-core') =>
  `import { ${name} } from '${from}'; console.log(${name});`;
const namespace = "import * as tf from '@tensorflow/tfjs-core'; console.log(tf);";

const allowed: [folder: string, code: string][] = [
  ['packages/core/src/model', named('tidy')],
  ['packages/core/src/model', "export type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';"],
  ['packages/core/src/ops', named('customGrad')],
  ['packages/core/src/ops', named('matMul')],
  ['packages/core/src/autodiff', named('grads')],
  ['packages/core/src/backend', named('engine')],
  ['packages/train/src', named('square')],
  ['packages/testing/src', named('grads')],
  ['packages/backends/wasm/src', named('engine')],
];

const forbidden: [folder: string, code: string][] = [
  ['packages/core/src/model', named('matMul')],
  ['packages/core/src/model', named('grads')],
  ['packages/core/src/ops', named('randomNormal')],
  ['packages/core/src/ops', named('variableGrads')],
  ['packages/core/src/ops', named('engine', '@tensorflow/tfjs-core/dist/engine.js')],
  ['packages/tasks/src/a', named('customGrad')],
  ['packages/tasks/src/a', named('dropout')],
  ['packages/tokenizers/src', named('conv2d')],
  ['packages/train/src', named('train')],
  ['packages/train/src', named('customGrad')],
  ['packages/pretrain/src', "export { multinomial } from '@tensorflow/tfjs-core';"],
  ['packages/pretrain/src', "export const tf = import('@tensorflow/tfjs-core');"],
  // A namespace would hide all of it.
  ['packages/core/src/ops', namespace],
  ['packages/core/src/model', namespace],
  ['packages/train/src', namespace],
  ['packages/tasks/src/a', namespace],
];

/** Files that the linter, with our rules, finds importing what they may not. */
let found: Set<string>;
const folder = mkdtempSync(join(tmpdir(), 'imglish-lint-'));
const fileOf = (kind: string, index: number, folder: string) => `${folder}/${kind}-${index}.ts`;

beforeAll(() => {
  copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'));
  for (const [kind, cases] of Object.entries({ allowed, forbidden })) {
    cases.forEach(([where, code], index) => {
      const path = join(folder, fileOf(kind, index, where));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${code}\n`);
    });
  }
  const only = ['style/noRestrictedImports', 'performance/noNamespaceImport'];
  const args = ['lint', ...only.map((rule) => `--only=${rule}`), '--reporter=github'];
  const biome = join(root, 'node_modules/.bin/biome');
  const { stdout } = spawnSync(biome, [...args, '--max-diagnostics=none'], {
    cwd: folder,
    encoding: 'utf8',
  });
  found = new Set(
    [...stdout.matchAll(/file=([^,]+)/g)].map(([, file]) =>
      relative(folder, resolve(folder, file!)),
    ),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('model code reaches tfjs only through core', () => {
  it.each(allowed.map((one, index) => [...one, index] as const))(
    '%s may: %s',
    (where, _, index) => {
      expect(found).not.toContain(fileOf('allowed', index, where));
    },
  );

  it.each(forbidden.map((one, index) => [...one, index] as const))(
    '%s may not: %s',
    (where, _, index) => {
      expect(found).toContain(fileOf('forbidden', index, where));
    },
  );
});
