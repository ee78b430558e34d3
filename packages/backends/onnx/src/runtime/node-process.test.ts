import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { multiples } from '../../test/models.js';

// A program of its own, bundled, with the worker beside it; inside node_modules, where it finds the runtime.
const home = fileURLToPath(new URL('../../node_modules', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(home, '.imglish-process-'));
  await build({
    entryPoints: {
      engine: fileURLToPath(new URL('./node-engine.ts', import.meta.url)),
      'node-worker': fileURLToPath(new URL('./node-worker.js', import.meta.url)),
    },
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['onnxruntime-node', '@tensorflow/*'],
    logLevel: 'error',
  });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { bytes, inputs, outputs } = multiples(2);
const model = `{ ...${JSON.stringify({ inputs, outputs, externalFiles: {} })}, bytes: Uint8Array.from(${JSON.stringify([...bytes])}) }`;
const x = "{ dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) }";

function program(code: string, cwd: string = folder) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', code],
    {
      cwd,
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  return { status, signal, stdout, stderr };
}

const ran = { status: 0, signal: null, stdout: '2,4\n', stderr: '' };
const engine = (path = join(folder, 'engine.js')) =>
  `import { nodeEngine } from ${JSON.stringify(path)};`;
const use = `
  const engine = await nodeEngine({ threads: 2 });
  const session = await engine.open(${model}, { name: 'm' });
  const { y } = await session.run({ x: ${x} });
  console.log(y.data.join());`;

describe('a program', () => {
  it('ends by itself when it has used a model', () => {
    expect(program(`${engine()} ${use}`)).toEqual(ran);
  });

  it('ends after dispose, which it may wait for', () => {
    expect(program(`${engine()} ${use} await engine.dispose();`)).toEqual(ran);
    expect(program(`${engine()} ${use} engine.dispose(); process.exit(0);`)).toEqual(ran);
  });

  it('waits for what is under way', () => {
    const later = `
      const engine = await nodeEngine();
      const session = await engine.open(${model}, { name: 'm' });
      session.run({ x: ${x} }).then(({ y }) => console.log(y.data.join()));`;
    expect(program(`${engine()} ${later}`)).toEqual(ran);
  });

  it('is told what is not installed', () => {
    // Elsewhere, where no node_modules is above.
    const report = 'nodeEngine().catch(({ code, fix }) => console.log(code, fix));';
    const elsewhere = mkdtempSync(join(tmpdir(), 'imglish-bare-'));
    try {
      for (const name of ['engine.js', 'node-worker.js', 'package.json']) {
        cpSync(join(folder, name), join(elsewhere, name));
      }
      const { stdout } = program(`${engine(join(elsewhere, 'engine.js'))} ${report}`, elsewhere);
      expect(stdout).toBe('backend/unavailable Run `npm install onnxruntime-node@1.30.0`.\n');
      rmSync(join(elsewhere, 'node-worker.js'));
      const without = program(`${engine(join(elsewhere, 'engine.js'))} ${report}`, elsewhere);
      expect(without.stdout).toMatch(/^backend\/unavailable If the application is bundled/);
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });
});
