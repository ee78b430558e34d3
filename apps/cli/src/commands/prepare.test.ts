import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePng } from '@imglish/tokenizers';
import { describe, expect, it } from 'vitest';
import { outputOf, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';

const outer = temporaryFolder();

function folder(name: string, ...rows: object[]): string {
  const root = join(outer, name);
  mkdirSync(root);
  writeFileSync(join(root, 'a.png'), encodePng({ width: 1, height: 1, data: new Uint8Array(3) }));
  writeFileSync(join(root, 'metadata.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  return root;
}

const good = { image: 'a.png', question: 'How many?', answer: 'Two' };
const task = ['--task', 'visual-question-answering'];

describe('imglish prepare', () => {
  it('checks, counts and writes', async () => {
    const root = folder('good', good, { ...good, split: 'val' });
    const out = await outputOf('prepare', 'metadata', root, ...task);
    expect(out).toContain(
      'metadata for visual-question-answering\n  train: 1 examples\n  val: 1 examples\n  1 labels\n',
    );
    expect(out).toContain(`wrote ${join(root, 'answer2label.txt')}`);
    const json = await outputOf('prepare', 'metadata', root, ...task, '--splits', 'val', '--json');
    expect(JSON.parse(json.trimEnd().split('\n').at(-1)!)).toMatchObject({
      splits: [{ split: 'val', examples: 1 }],
      labels: 1,
      problems: [],
    });
  });

  it('names every problem, writes nothing and exits with 1', async () => {
    const root = folder('bad', good, { image: 'b.png', question: 'x' }, { image: 'a.png' });
    const { code, err } = await runCli('prepare', 'metadata', root, ...task);
    expect(code).toBe(1);
    expect(err).toContain('metadata.jsonl, line 2');
    expect(err).toContain('[data/missing-image]');
    expect(err).toContain('metadata.jsonl, line 3: expected "question"');
    expect(err).toContain('2 problems; nothing was written');
    expect(existsSync(join(root, 'answer2label.txt'))).toBe(false);
    const limited = await runCli(
      'prepare',
      'metadata',
      root,
      ...task,
      '--limit-errors',
      '1',
      '--json',
    );
    expect(limited.code).toBe(1);
    expect(JSON.parse(limited.out.trimEnd().split('\n').at(-1)!)).toMatchObject({
      stopped: true,
      problems: [{ code: 'data/missing-image', where: 'metadata.jsonl, line 2' }],
    });
  });

  it('refuses what it does not know', async () => {
    const unknown = await runCli('prepare', 'vqa2', outer);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('"vqav2"')]);
    expect((await runCli('prepare', 'vqav2', outer)).err).toContain('[data/no-format]');
    expect((await runCli('prepare', 'vqav2')).code).toBe(2);
  });
});
