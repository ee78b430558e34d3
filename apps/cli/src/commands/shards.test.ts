import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captionedFolder } from '../../test/captioned-folder.js';
import { laionParquet } from '../../test/captioned-shards.js';
import { runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { openTrainingData } from '../model/training-data.js';

const folder = temporaryFolder();
const data = captionedFolder(join(folder, 'data'));
const at = (name: string) => join(folder, name);

async function idsIn(names: string): Promise<string[]> {
  const source = { kind: 'shards' as const, names, size: [8, 8] as [number, number] };
  const { pairs, close } = await openTrainingData(source);
  const ids: string[] = [];
  for (let i = 0; i < pairs.size; i++) ids.push((await pairs.get(i)).id);
  await close();
  return ids;
}

describe('shards', () => {
  it.each(['tar', 'parquet'])(
    'writes several sources as %s, which pretrain reads',
    async (format) => {
      const other = captionedFolder(at(`other ${format}`), 3);
      const { code, out, err } = await runCli(
        ...['shards', '--data', data, other, '--split', 'all', '--out', at(format)],
        ...['--format', format, '--size', format === 'tar' ? '8KB' : '5KB'],
      );
      expect(code, err).toBe(0);
      const files = readdirSync(at(format)).filter((name) => name.endsWith(`.${format}`));
      expect(files.length).toBeGreaterThan(1);
      expect(out).toMatch(
        new RegExp(`^wrote .*: 15 records in ${files.length} shards, 0\\.\\d MB\\n$`),
      );
      const names = [12, 3].flatMap((count) => Array.from({ length: count }, (_, i) => `${i}.png`));
      expect(await idsIn(at(format))).toEqual(names);
    },
  );

  it('writes shards anew, in another form', async () => {
    const parquet = laionParquet(at('parquet of others'));
    const options = ['--data', parquet, '--out', at('again'), '--json'];
    const { code, out, err } = await runCli('shards', ...options);
    expect(code, err).toBe(0);
    expect(JSON.parse(out.trimEnd().split('\n').at(-1)!)).toMatchObject({
      ...{ out: at('again'), records: 12, shards: 1, broken: 0 },
      bytes: readFileSync(at('again/00000.tar')).length,
    });
    expect(await idsIn(at('again'))).toEqual(Array.from({ length: 12 }, (_, i) => `${i}`));
  });

  it('refuses a folder that is there and a size that is none', async () => {
    const there = await runCli('shards', '--data', data, '--out', at('data'));
    expect([there.code, there.err]).toEqual([1, expect.stringContaining('[io/exists]')]);
    const size = ['--size', '9 apples'];
    const { code, err } = await runCli('shards', '--data', data, '--out', at('x'), ...size);
    expect([code, err]).toEqual([expect.any(Number), expect.stringContaining('100MB')]);
    expect(code).not.toBe(0);
  });
});
