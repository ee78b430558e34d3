import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';

const folder = temporaryFolder();
const scenes = join(folder, 'scenes');
const model = join(folder, 'pretrained', 'model');

beforeAll(async () => {
  const made = await runCli(...['scenes', '--out', scenes, '--images', '40', '--size', '64']);
  expect(made.code, made.err).toBe(0);
  const pretrained = await runCli(
    ...[
      'pretrain',
      '--out',
      join(folder, 'pretrained'),
      '--steps',
      '1',
      '--batch',
      '2',
      '--codes',
      '8',
    ],
  );
  expect(pretrained.code, pretrained.err).toBe(0);
}, 120_000);

describe('tuned on scenes', () => {
  it.each([
    ['visual-question-answering', 'coco'],
    ['visual-reasoning', 'nlvr2'],
    ['image-captioning', 'coco'],
    ['image-text-retrieval', 'coco'],
    ['image-classification', 'imagenet'],
  ])('%s', async (task, layout) => {
    const out = join(folder, task);
    const data = join(scenes, layout);
    const tuned = await runCli(
      ...['finetune', task, '--model', model, '--data', data, '--out', out, '--steps', '3'],
      ...['--batch', '4', '--validation', 'val', '--validation-limit', '4', '--json'],
    );
    expect(tuned.code, tuned.err).toBe(0);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('How it learnt');
    const scored = await runCli(
      ...[
        'evaluate',
        task,
        '--model',
        join(out, 'model'),
        '--data',
        data,
        '--limit',
        '4',
        '--json',
      ],
    );
    expect(scored.code, scored.err).toBe(0);
    const { metrics, count } = JSON.parse(scored.out.trim().split('\n').at(-1)!);
    expect(count).toBe(4);
    expect(Object.values(metrics).every((value) => Number.isFinite(value))).toBe(true);
  });
});
