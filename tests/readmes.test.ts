import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectedLines, firstExample } from './examples.ts';
import { build, published, root } from './workspace.ts';

beforeAll(build);

/** README → the folder it runs in, where the packages that it imports are found. */
const readmes = [
  { readme: 'README.md', cwd: 'apps/cli' },
  { readme: 'docs/export.md', cwd: 'apps/cli' },
  ...published.map(({ folder }) => ({ readme: join(folder, 'README.md'), cwd: folder })),
].filter(({ readme }) => readme !== 'README.md' || existsSync(join(root, readme)));

describe.each(readmes)('the example of $readme', ({ readme, cwd }) => {
  it('prints what it says', { timeout: 300_000 }, () => {
    const example = firstExample(readFileSync(join(root, readme), 'utf8'));
    const expected = expectedLines(example);
    expect(expected.length, 'console.log(…) // → text').toBeGreaterThan(0);

    const { code } = transformSync(example, { loader: 'ts', format: 'esm' });
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', code],
      { cwd: join(root, cwd), encoding: 'utf8' },
    );
    expect(status, stderr).toBe(0);
    const printed = stdout.split('\n');
    expect(printed.filter((line) => expected.includes(line))).toEqual(expected);
  });
});

it('the examples have correct types', { timeout: 300_000 }, () => {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root);
  const examples = new Map(
    readmes.map(({ readme, cwd }) => [
      join(root, cwd, `${readme.replaceAll('/', '-')}.ts`),
      firstExample(readFileSync(join(root, readme), 'utf8')),
    ]),
  );
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => examples.has(path) || fileExists(path);
  host.readFile = (path) => examples.get(path) ?? readFile(path);
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const example = examples.get(path);
    return example === undefined
      ? getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, example, languageVersion);
  };
  const program = ts.createProgram([...examples.keys()], options, host);
  const problems = [...examples.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    return program.getSemanticDiagnostics(source).map(({ messageText, start = 0 }) => {
      const { line } = source!.getLineAndCharacterOfPosition(start);
      return `${path}:${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
  expect(problems).toEqual([]);
});
