import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectedLines, firstExample } from './examples.ts';
import { build, published, root } from './workspace.ts';

beforeAll(build);

/** README → the folder it runs in, where the packages that it imports are found. */
const readmes = [
  { readme: 'README.md', cwd: 'apps/cli' },
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
