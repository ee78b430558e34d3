import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { captionedFolder } from './captioned-folder.js';

const SHARDS = 2;
const RECORDS_EACH = 6;

/** Two WebDataset shards of six records each; their pattern. */
export function tarShards(folder: string): string {
  const { pictures, records } = recordsIn(folder);
  for (let shard = 0; shard < SHARDS; shard++) {
    const names = records.slice(shard * RECORDS_EACH, (shard + 1) * RECORDS_EACH).map((record) => {
      writeFileSync(join(pictures, `${record.key}.txt`), record.caption);
      return [`${record.key}.png`, `${record.key}.txt`];
    });
    execFileSync('tar', ['-cf', join(folder, `0${shard}.tar`), '-C', pictures, ...names.flat()]);
  }
  return join(folder, '{00..01}.tar');
}

/**
 * The same records in the columns that img2dataset writes for LAION, in two row groups; the pictures at
 * `broken` are none.
 */
export function laionParquet(folder: string, broken: readonly number[] = []): string {
  const { pictures, records } = recordsIn(folder);
  const file = join(folder, '00000.parquet');
  const text = (name: string, data: string[]) => ({ name, data, type: 'STRING' as const });
  const bytes = parquetWriteBuffer({
    columnData: [
      text(
        'url',
        records.map(({ key }) => `https://example.com/${key}.png`),
      ),
      text(
        'key',
        records.map(({ key }) => key),
      ),
      text(
        'caption',
        records.map(({ caption }) => caption),
      ),
      text(
        'status',
        records.map(() => 'success'),
      ),
      { name: 'width', data: records.map(() => 24), type: 'INT32' },
      {
        name: 'jpg',
        data: records.map(({ key }, i) => {
          if (broken.includes(i)) return new TextEncoder().encode('no picture');
          return new Uint8Array(readFileSync(join(pictures, `${key}.png`)));
        }),
        type: 'BYTE_ARRAY',
      },
    ],
    rowGroupSize: RECORDS_EACH,
  });
  writeFileSync(file, new Uint8Array(bytes));
  return file;
}

function recordsIn(folder: string): {
  pictures: string;
  records: { key: string; caption: string }[];
} {
  mkdirSync(folder, { recursive: true });
  const pictures = captionedFolder(join(folder, 'pictures'), SHARDS * RECORDS_EACH);
  const lines = readFileSync(join(pictures, 'captions.jsonl'), 'utf8').trimEnd().split('\n');
  const records = lines.map((line, i) => ({ key: `${i}`, caption: JSON.parse(line).caption }));
  return { pictures, records };
}
