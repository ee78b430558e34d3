import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openShards } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { expect, it } from 'vitest';
import { captionedFolder } from '../../test/captioned-folder.js';
import { GOLDEN, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { floatsOf } from '../../test/tensors.js';
import { stoppedExitCode } from './run-options.js';

const folder = temporaryFolder();
const data = captionedFolder(join(folder, 'data'));

it('pretrains with an average, in shards that are kept by rule, watched', async () => {
  const out = join(folder, 'run');
  const { code, err } = await runCli(
    ...['pretrain', '--out', out, '--data', data, '--codes', '8', '--threads', '1'],
    ...['--tokenizer', join(GOLDEN, 'tokenizer/tiny_unigram1000.spm')],
    ...['--steps', '5', '--batch', '1', '--accumulate', '1', '--drop-path', '0.2', '--ema', '0.9'],
    ...[
      '--every',
      '1',
      '--keep',
      '1',
      '--keep-multiples',
      '2',
      '--shard-size',
      '2e6',
      '--moments',
      'bfloat16',
    ],
    ...['--tensorboard', '--live', '0', '--data-timeout', '300', '--stop-exploding'],
  );
  expect(code, err).toBe(0);
  expect(err).toMatch(/^live at http:\/\/127\.0\.0\.1:\d+\/$/m);
  const run = JSON.parse(readFileSync(join(out, 'run/run.json'), 'utf8')).config;
  expect(run.recipe).toMatchObject({ ema: 0.9, accumulate: 1 });
  expect(run.model.dropPathRate).toBe(0.2);
  const checkpoints = readdirSync(join(out, 'run')).filter((name) => name.startsWith('check'));
  expect(checkpoints.sort()).toEqual(['checkpoint-2', 'checkpoint-4', 'checkpoint-5']);
  const [events] = readdirSync(join(out, 'tensorboard'));
  expect(readFileSync(join(out, 'tensorboard', events!)).includes('loss/pairText')).toBe(true);

  const seal = readFileSync(join(out, 'run/checkpoint-5/manifest.json'), 'utf8');
  const [optimizer] = Object.keys(JSON.parse(seal).files).filter((name) => name.startsWith('opt'));
  const header = readFileSync(join(out, 'run/checkpoint-5', optimizer!)).subarray(0, 9_000);
  expect(header.toString('latin1')).toContain('BF16');

  // The model is the average, which a checkpoint has beside the parameters.
  const last = fileDirectory(join(out, 'run/checkpoint-5'));
  const name = 'mlm_head.bias';
  const kept = [...(await floatsOf(join(out, 'model/model.safetensors'), name))];
  const read = async (index: string) => {
    const shards = await openShards(last, index);
    const values = [...(await shards.tensors.get(name)!.readFloat32())];
    await shards.close();
    return values;
  };
  expect(await read('average.safetensors.index.json')).toEqual(kept);
  expect(await read('model.safetensors.index.json')).not.toEqual(kept);
});

it('refuses what cannot be, before anything is written', async () => {
  for (const wrong of [
    ['--ema', '1'],
    ['--keep', '0'],
    ['--live', '-1'],
    ['--drop-path', 'x'],
  ]) {
    const out = join(folder, 'refused');
    const { code, err } = await runCli('pretrain', '--out', out, '--data', data, ...wrong);
    expect(code).toBe(2);
    expect(err).toContain(wrong[0]);
    expect(existsSync(out)).toBe(false);
  }
});

it('exits as shells have it where it was told to stop', () => {
  const stopped = (reason: unknown) => {
    const controller = new AbortController();
    controller.abort(reason);
    return stoppedExitCode(controller.signal);
  };
  expect([stopped('SIGTERM'), stopped('SIGINT'), stopped(undefined)]).toEqual([143, 130, 143]);
});
