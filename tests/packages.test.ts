import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build, published, root, run } from './workspace.ts';

// The packages as users get them: packed, and installed into a folder that knows nothing of this
// repository.
const folder = mkdtempSync(join(tmpdir(), 'imglish-packages-'));
let tarballs: Record<string, string>;

beforeAll(() => {
  build();
  tarballs = pack();
  install();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Package → its tarball. */
function pack(): Record<string, string> {
  const filter = published.map(({ name }) => `--filter=${name}`);
  const options = ['--json', '--config.ignore-scripts=true', '--pack-destination', folder];
  const packed = JSON.parse(run('pnpm', ['--recursive', ...filter, 'pack', ...options], root));
  return Object.fromEntries(
    packed.map(({ name, filename }: { name: string; filename: string }) => [name, filename]),
  );
}

function install(): void {
  const fromTarballs = Object.fromEntries(
    Object.entries(tarballs).map(([name, tarball]) => [name, `file:${tarball}`]),
  );
  const core = '@tensorflow/tfjs-core';
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const manifest = {
    private: true,
    dependencies: { ...fromTarballs, [core]: devDependencies[core] },
    pnpm: { overrides: fromTarballs },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const options = ['--prefer-offline', '--ignore-scripts', '--config.auto-install-peers=false'];
  run('pnpm', ['install', '--ignore-workspace', '--no-frozen-lockfile', ...options], folder);
}

const entries = published.flatMap(({ name, manifest }) =>
  Object.keys(manifest.exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => name + entry.slice(1)),
);
/** A program for Node promises no browser. */
const anywhere = published.filter(({ manifest }) => !manifest.bin).map(({ name }) => name);

describe.each(published)('the package $name', ({ name }) => {
  it('is packed as publint wants it', async () => {
    const tarball = readFileSync(tarballs[name]!);
    const { messages, pkg } = await publint({
      pack: {
        tarball: tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length),
      },
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg!))).toEqual([]);
  });
});

describe.each(entries)('the entry %s', (entry) => {
  it('is imported in Node without a word', () => {
    const code = `await import(${JSON.stringify(entry)})`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', code],
      { cwd: folder, encoding: 'utf8' },
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

describe.each(anywhere)('the entry %s', (entry) => {
  it('is bundled for a browser', async () => {
    const { warnings, outputFiles } = await bundle({
      stdin: {
        contents: `import * as all from ${JSON.stringify(entry)}; console.log(all);`,
        resolveDir: folder,
      },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      logLevel: 'silent',
    });
    expect(warnings.map(({ text, location }) => `${location?.file}: ${text}`)).toEqual([]);
    expect(outputFiles).toHaveLength(1);
  });
});

const nodeTypes = join(root, 'node_modules/@types/node');
describe.each([
  { resolution: 'Bundler', platform: 'anywhere', wanted: anywhere, types: [] },
  { resolution: 'Bundler', platform: 'node', wanted: entries, types: [nodeTypes] },
  { resolution: 'NodeNext', platform: 'node', wanted: entries, types: [nodeTypes] },
] as const)('types for $platform, moduleResolution $resolution', (consumer) => {
  it('are found and correct', { timeout: 300_000 }, () => {
    const { resolution, platform, wanted, types } = consumer;
    const place = join(folder, `${platform}-${resolution}`);
    const file = join(place, 'index.ts');
    mkdirSync(place);
    writeFileSync(join(place, 'package.json'), '{"type":"module"}');
    writeFileSync(file, wanted.map((entry, i) => `export * as e${i} from '${entry}';`).join('\n'));
    const program = ts.createProgram([file], {
      target: ts.ScriptTarget.ES2022,
      module: resolution === 'Bundler' ? ts.ModuleKind.ESNext : ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind[resolution],
      strict: true,
      noEmit: true,
      types: [...types],
    });
    const ours = program
      .getSourceFiles()
      .filter(
        ({ fileName }) =>
          fileName === file || /\/node_modules\/(@imglish|imglish)\//.test(fileName),
      );
    expect(ours.length).toBeGreaterThan(wanted.length);
    const problems = ours.flatMap((source) => [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ]);
    expect(
      problems.map(
        ({ file, messageText }) =>
          `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      ),
    ).toEqual([]);
  });
});
