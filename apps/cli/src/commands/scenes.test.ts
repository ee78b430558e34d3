import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { outputOf, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';

const folder = temporaryFolder();
const small = ['--images', '40', '--layouts', 'coco,nlvr2', '--styles', 'noto,openmoji'];

describe('scenes', { timeout: 180_000 }, () => {
  it('writes the data sets and says how much, and what the questions give away', async () => {
    const out = join(folder, 'scenes');
    const text = await outputOf('scenes', '--out', out, '--no-share-alike', ...small);
    expect(text).toMatch(/^wrote .*scenes: \d+ concepts to learn, \d+ unseen, styles noto$/m);
    expect(text).toMatch(/pictures +train 28 {2}val 4 {2}test 4 {2}test-concepts 4$/m);
    expect(text).toMatch(/without a look at the picture \(val\): \d+\.\d %$/m);
    expect(readdirSync(out).sort()).toEqual([
      'LICENCES.txt',
      'coco',
      'nlvr2',
      'scenes.jsonl',
      'summary.json',
    ]);
    expect(readdirSync(join(out, 'coco/train2014'))).toHaveLength(28);
    const again = await runCli('scenes', '--out', out, ...small);
    expect(again.code).toBe(1);
    expect(again.err).toContain('[io/exists]');
  });

  it('speaks JSON', async () => {
    const out = join(folder, 'json');
    const lines = (await outputOf('scenes', '--out', out, '--json', '--concepts', '60', ...small))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const last = lines.at(-1);
    expect(last).toMatchObject({ out, styles: ['noto', 'openmoji'], images: { train: 28 } });
    expect(last.concepts.seen + last.concepts.unseen).toBe(60);
    expect(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))).toEqual(
      Object.fromEntries(Object.entries(last).filter(([key]) => key !== 'out')),
    );
  });

  it('writes a sheet alone, and needs one or the other', async () => {
    const sheet = join(folder, 'sheet.html');
    expect(await outputOf('scenes', '--sheet', sheet, ...small)).toBe(`wrote ${sheet}\n`);
    expect(readFileSync(sheet, 'utf8')).toContain('<svg');
    const neither = await runCli('scenes');
    expect(neither.code).toBe(1);
    expect(neither.err).toContain('[config/missing-option]');
    const unknown = await runCli(
      'scenes',
      '--out',
      join(folder, 'no'),
      '--concepts',
      'cat,gryphon',
    );
    expect(unknown.err).toContain('[config/option]');
    expect(readdirSync(folder)).not.toContain('no');
  });
});
