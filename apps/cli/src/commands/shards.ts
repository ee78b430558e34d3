import { concatDatasets } from '@imglish/data';
import { type ShardFormat, shardFormats, writeShards } from '@imglish/data/node';
import type { Progress } from '@imglish/train';
import { progress } from '@imglish/train/node';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { openEncoded, trainingSource } from '../model/training-data.js';
import { allOrNothing } from './all-or-nothing.js';
import { integer } from './options.js';

interface ShardsOptions {
  data: string[];
  split: string;
  out: string;
  format: ShardFormat;
  size: number;
  pixels: number;
  seed: number;
  skipBroken: number;
  json?: boolean;
}

/** `imglish shards`: captioned pictures of any kind as files that are read from end to end. */
export function registerShards(program: Command): void {
  program
    .command('shards')
    .description('write captioned pictures as tar or Parquet shards, for data that streams')
    .requiredOption(
      '--data <source...>',
      'captioned images (their folder, in any format that "prepare" reads; other shards), "emoji", or several of them',
    )
    .requiredOption('--out <directory>', 'a new folder')
    .option('--split <name>', 'of a folder: train, val, all, …', 'train')
    .addOption(new Option('--format <name>', 'of the shards').choices(shardFormats).default('tar'))
    .option('--size <bytes>', 'of a shard, at most: 100MB, 1GB', bytes, bytes('100MB'))
    .option('--pixels <count>', 'side of emoji', integer(1), 64)
    .option('--seed <number>', 'captions of emoji', integer(0), 0)
    .option('--skip-broken <count>', 'records that cannot be used and are left out', integer(0), 0)
    .option('--json', 'for programs: progress as JSON lines')
    .action(run);
}

async function run({ json = false, ...options }: ShardsOptions): Promise<void> {
  const { data, out, format, size, split, pixels, seed, skipBroken: maxBroken } = options;
  const source = trainingSource(data, [pixels, pixels], seed);
  const sources = source.kind === 'several' ? source.sources : [source];
  const opened: Awaited<ReturnType<typeof openEncoded>>[] = [];
  let shown: Progress | undefined;
  await allOrNothing(async (signal) => {
    for (const each of sources) opened.push(await openEncoded(each, split));
    const written = await writeShards(out, concatDatasets(...opened.map(({ pairs }) => pairs)), {
      ...{ format, size, maxBroken, signal },
      onBroken: ({ error }) => console.error(`left out ${error.message}`),
      onProgress: (done, total) => {
        shown ??= progress('writing shards', total, { json });
        shown.set(done);
      },
    });
    shown?.finish();
    const { records, bytes, shards, broken } = written;
    if (json) console.log(JSON.stringify({ out, records, bytes, shards: shards.length, broken }));
    else {
      const left = broken > 0 ? `, ${broken} left out` : '';
      const size = `${(bytes / 1e6).toFixed(1)} MB`;
      console.log(`wrote ${out}: ${records} records in ${shards.length} shards, ${size}${left}`);
    }
  }).finally(async () => {
    for (const { close } of opened) await close();
  });
}

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9 };

/** A number of bytes, with a unit of thousands if any. */
function bytes(text: string): number {
  const [, number, unit = 'B'] = /^(\d+(?:\.\d+)?)\s*([KMG]?B)?$/i.exec(text.trim()) ?? [];
  const value = Math.floor(Number(number) * UNITS[unit.toUpperCase()]!);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('a number of bytes is expected, such as 100MB.');
}
