import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { checkChangesets } from '../scripts/checks/changesets.mjs';
import { checkFileLength } from '../scripts/checks/file-length.mjs';
import { checkImports } from '../scripts/checks/imports.mjs';
import { checkPackages } from '../scripts/checks/packages.mjs';
import { checkWords } from '../scripts/checks/words.mjs';

type Files = Record<string, string>;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A small workspace: `files` beside a root package.json. */
function workspace(files: Files): string {
  const root = mkdtempSync(join(tmpdir(), 'imglish-checks-'));
  folders.push(root);
  write(root, { 'package.json': '{"name":"root","private":true}', ...files });
  return root;
}

function write(root: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

function git(root: string, ...args: string[]): void {
  const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.com'];
  execFileSync('git', [...who, ...args], { cwd: root, stdio: 'ignore' });
}

function commit(root: string, files: Files): void {
  write(root, files);
  git(root, 'add', '.');
  git(root, 'commit', '-m', 'a change');
}

function pkg(name: string, dependencies: Files = {}, more: object = {}): string {
  return JSON.stringify({ name: `@imglish/${name}`, dependencies, ...more });
}

describe('imports', () => {
  const check = (files: Files) => checkImports(workspace(files));

  it('accepts what the table allows', () => {
    const files = {
      'packages/core/package.json': pkg('core'),
      'packages/core/src/index.ts': "export * from './a/a.js';",
      'packages/core/src/a/a.ts': 'export const a = 1;',
      'packages/core/src/node.ts': "import 'node:fs'; export * from './index.js';",
      'packages/train/package.json': pkg('train', { '@imglish/core': 'workspace:^' }),
      'packages/train/src/index.ts': "export { a } from '@imglish/core';",
    };
    expect(check(files)).toEqual([]);
  });

  it.each<[what: string, files: Files, problem: RegExp]>([
    [
      'a dependency against the direction',
      { 'packages/core/package.json': pkg('core', { '@imglish/train': 'workspace:^' }) },
      /core may not depend on @imglish\/train/,
    ],
    [
      'a devDependency against the direction',
      {
        'packages/core/package.json': pkg(
          'core',
          {},
          { devDependencies: { '@imglish/tasks': '*' } },
        ),
      },
      /core may not depend on @imglish\/tasks/,
    ],
    [
      'a type import against the direction',
      {
        'packages/core/package.json': pkg('core'),
        'packages/core/src/index.ts': "import type { A } from '@imglish/train';",
      },
      /imports @imglish\/train, against the table/,
    ],
    [
      'a dynamic import that is not declared',
      {
        'packages/core/package.json': pkg('core'),
        'packages/core/src/index.ts': "export const load = () => import('sharp');",
      },
      /imports sharp, which it does not declare/,
    ],
    [
      'a file of another package',
      {
        'packages/core/package.json': pkg('core'),
        'packages/core/src/index.ts': "import '../../train/src/index.js';",
      },
      /outside its package/,
    ],
    [
      'an engine outside of the backends',
      {
        'packages/core/package.json': pkg('core', { '@tensorflow/tfjs-backend-cpu': '4.22.0' }),
        'packages/core/src/index.ts': "import '@tensorflow/tfjs-backend-cpu';",
      },
      /an engine; only backends bring one/,
    ],
    [
      'node: behind the entry that runs anywhere',
      {
        'packages/core/package.json': pkg('core'),
        'packages/core/src/index.ts': "export * from './deep/a.js';",
        'packages/core/src/deep/a.ts': "export { readFileSync } from 'node:fs';",
      },
      /deep\/a\.ts: imports node:fs, and the entry \. of @imglish\/core reaches it/,
    ],
    [
      'the ./node entry of another package behind it',
      {
        'packages/core/package.json': pkg('core'),
        'packages/data/package.json': pkg('data', { '@imglish/core': 'workspace:^' }),
        'packages/data/src/index.ts': "import { file } from '@imglish/core/node';",
      },
      /imports @imglish\/core\/node, and the entry \./,
    ],
    [
      'a package that the table does not know',
      { 'packages/extra/package.json': pkg('extra') },
      /not in the table/,
    ],
    [
      'a cycle',
      {
        'apps/cli/package.json': pkg('cli', { '@imglish/web': '*' }),
        'apps/web/package.json': pkg('web', {}, { devDependencies: { '@imglish/cli': '*' } }),
      },
      /cycle: @imglish\/cli → @imglish\/web → @imglish\/cli/,
    ],
  ])('refuses %s', (_, files, problem) => {
    expect(check(files).join('\n')).toMatch(problem);
  });
});

describe('packages', () => {
  const entry = { types: './dist/index.d.ts', default: './dist/index.js' };
  const good = {
    name: '@imglish/core',
    version: '0.1.0',
    description: 'What it is.',
    license: 'MIT',
    type: 'module',
    sideEffects: false,
    engines: { node: '>=20.19' },
    publishConfig: { access: 'public' },
    files: ['dist', 'README.md', 'LICENSE'],
    scripts: { build: 'tsup', 'build:types': 'tsc' },
    exports: { '.': entry, './package.json': './package.json' },
    peerDependencies: { '@tensorflow/tfjs-core': '4.22.0' },
  };
  const files = (manifest: object): Files => ({
    'packages/core/package.json': JSON.stringify(manifest),
    'packages/core/README.md': '# @imglish/core\n\nOne sentence.\n\n```ts\nconsole.log(1);\n```\n',
    'packages/core/LICENSE': '',
    'packages/core/tsconfig.build.json': '',
    'packages/core/tsup.config.ts': '',
    'packages/core/src/index.ts': '',
  });

  it('accepts the shape', () => {
    expect(checkPackages(workspace(files(good)))).toEqual([]);
  });

  it.each<[problem: RegExp, change: object]>([
    [/type is not module/, { type: 'commonjs' }],
    [/sideEffects/, { sideEffects: undefined }],
    [/engines\.node/, { engines: { node: '>=18' } }],
    [/files lacks README\.md/, { files: ['dist'] }],
    [/lacks \.\/package\.json/, { exports: { '.': entry } }],
    [/exports has \.\/extra/, { exports: { ...good.exports, './extra': entry } }],
    [/first/, { exports: { ...good.exports, '.': { default: './dist/index.js', types: '' } } }],
    [/not exact/, { peerDependencies: { '@tensorflow/tfjs-core': '^4.22.0' } }],
    [/must be a peer/, { dependencies: { '@tensorflow/tfjs-core': '4.22.0' } }],
    [/instead of workspace/, { dependencies: { '@imglish/train': '0.1.0' } }],
    [/sharp is ~0\.35\.5, not pinned/, { dependencies: { sharp: '~0.35.5' } }],
    [
      /tfjs-core is 4\.22\.0, and 4\.21\.0 in/,
      { devDependencies: { '@tensorflow/tfjs-core': '4.21.0' } },
    ],
  ])('finds %s', (problem, change) => {
    expect(checkPackages(workspace(files({ ...good, ...change }))).join('\n')).toMatch(problem);
  });

  it('refuses a README without a title or an example', () => {
    const root = workspace({ ...files(good), 'packages/core/README.md': '# core\n\n```sh\n```\n' });
    expect(checkPackages(root)).toEqual([
      'packages/core/README.md: not titled @imglish/core',
      'packages/core/README.md: the first code block is not ts',
    ]);
  });
});

describe('file length', () => {
  it('refuses a file of more than 400 lines, and no other', () => {
    const root = workspace({
      'packages/core/src/short.ts': 'a;\n'.repeat(400),
      'packages/core/src/long.ts': 'a;\n'.repeat(401),
    });
    expect(checkFileLength(root)).toEqual(['packages/core/src/long.ts: 401 lines, more than 400']);
  });
});

describe('words', () => {
  const check = (text: string) => {
    const root = workspace({ 'docs/a.md': text });
    git(root, 'init', '-q');
    return checkWords(root);
  };

  it.each([
    ['/ho', 'me/me/models'],
    ['C:\\Us', 'ers\\me'],
    ['https://regis', 'try.example.com/pkg'],
    ['http://localhost:4873/a/-/a-1.0.0.t', 'gz'],
    ['regis', 'try=https://example.com'],
    ['<<<<', '<<< HEAD'],
    ['FIX', 'ME: later'],
  ])('refuses %s…', (...pieces) => {
    expect(check(`first\n${pieces.join('')}\n`)).toEqual([
      expect.stringMatching(/^docs\/a\.md:2: /),
    ]);
  });

  it('accepts plain text, relative paths and a local page', () => {
    expect(check('See ./home/readme, http://localhost:5173/ and the home page.')).toEqual([]);
  });
});

describe('changesets', () => {
  const start = () => {
    const root = workspace({
      'packages/core/package.json': pkg('core'),
      'packages/core/src/index.ts': '',
      '.changeset/first.md': "---\n'@imglish/core': minor\n---\n\nFirst.\n",
    });
    git(root, 'init', '-q', '-b', 'main');
    commit(root, {});
    return root;
  };

  it('accepts a package that a pending changeset names', () => {
    expect(checkChangesets(start())).toEqual([]);
  });

  it('wants one for each package that changed since the last release', () => {
    const root = start();
    rmSync(join(root, '.changeset/first.md'));
    commit(root, { 'packages/core/CHANGELOG.md': '# 0.1.0\n' });
    expect(checkChangesets(root)).toEqual([]);
    commit(root, { 'packages/core/src/index.test.ts': 'a test' });
    expect(checkChangesets(root)).toEqual([]);
    commit(root, { 'packages/core/src/index.ts': 'a change' });
    expect(checkChangesets(root).join()).toMatch(/no changeset names @imglish\/core/);
    commit(root, { '.changeset/second.md': '---\n"@imglish/core": patch\n---\n\nSecond.\n' });
    expect(checkChangesets(root)).toEqual([]);
  });

  it('wants it on the branch that makes the change', () => {
    const root = start();
    git(root, 'checkout', '-q', '-b', 'topic');
    commit(root, { 'packages/core/src/index.ts': 'a change' });
    expect(checkChangesets(root).join()).toMatch(/no changeset names @imglish\/core/);
  });
});
