import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { disposeAll } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { beginTask, createPipeline, tasks } from '@imglish/tasks';
import { decodeImage } from '@imglish/tokenizers';
import { beforeAll, describe, expect, it } from 'vitest';
import { captionedFolder } from '../../test/captioned-folder.js';
import { GOLDEN, outputOf, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { tensorsOf } from '../../test/tensors.js';

const folder = temporaryFolder();
const data = captionedFolder(join(folder, 'data'));
const at = (...path: string[]) => join(folder, ...path);
const COMMON = ['--data', data, '--batch', '2', '--every', '1', '--threads', '1'];
const pretrain = (out: string, ...more: string[]) =>
  runCli('pretrain', '--out', at(out), ...COMMON, ...more);

const BEGUN = ['--model', at('whole/model'), '--steps', '2', '--lr', '1e-3'];
const CONTRAST = ['--objective', 'image-text-contrastive'];

beforeAll(async () => {
  const spm = join(GOLDEN, 'tokenizer/tiny_unigram1000.spm');
  const fresh = ['--tokenizer', spm, '--codes', '8', '--steps', '1'];
  expect((await pretrain('whole', ...fresh)).code).toBe(0);
  const { code, err } = await pretrain('tuned', ...BEGUN, ...CONTRAST);
  expect(code, err).toBe(0);
});

describe('pretraining that goes on from a model, with contrast', () => {
  it('logs and draws the curve of its objective', () => {
    const log = readFileSync(at('tuned/run/log.jsonl'), 'utf8').trimEnd().split('\n');
    const steps = log.map((line) => JSON.parse(line));
    expect(steps.map(({ losses }) => Object.keys(losses))).toEqual([
      ['contrastive'],
      ['contrastive'],
    ]);
    // Two micro-batches of two pairs.
    expect(steps[0].counts).toEqual({ contrastive: 4 });
    const report = readFileSync(at('tuned/report.html'), 'utf8');
    expect(report).toContain('image-text-contrastive, weight 1');
    expect(report).toContain('0 texts, 0 images and 2 pairs');
  });

  it('changes the backbone, keeps other heads, and adds its own', async () => {
    const [before, after] = await Promise.all(
      ['whole', 'tuned'].map((name) => tensorsOf(at(name, 'model/model.safetensors'))),
    );
    expect(
      Object.keys(after!)
        .filter((name) => !before![name])
        .sort(),
    ).toEqual(['language_head.weight', 'logit_scale', 'vision_head.weight']);
    expect(after!['mim_head.weight']).toBe(before!['mim_head.weight']);
    const embedding = 'beit3.text_embed.weight';
    expect(after![embedding]).not.toBe(before![embedding]);
    expect(await outputOf('fill', 'a <mask> on red', '--model', at('tuned/model'))).toMatch(
      /blank 1/,
    );
  });

  it('is where retrieval begins, with nothing that begins anew', async () => {
    const begun = await beginTask(fileDirectory(at('tuned/model')), tasks.imageTextRetrieval, {});
    expect(begun.initialised).toEqual([]);
    expect([...begun.ignored].sort()).toEqual(
      ['mim_head', 'mlm_head'].flatMap((head) => [`${head}.bias`, `${head}.weight`]),
    );
    disposeAll(begun.parameters);
  });

  it('tells labels apart that it was never shown', async () => {
    const model = fileDirectory(at('tuned/model'));
    const classify = await createPipeline('zero-shot-image-classification', { model });
    const image = decodeImage(new Uint8Array(readFileSync(join(data, '0.png'))));
    const found = await classify(image, ['a square on red', 'a square on blue']);
    expect(found.map(({ score }) => score).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    await classify.dispose();
    // Of a model without the head it is refused.
    const without = { model: fileDirectory(at('whole/model')) };
    await expect(createPipeline('zero-shot-image-classification', without)).rejects.toMatchObject({
      code: 'checkpoint/mismatch',
    });
  });

  it('goes on where it stopped, from the same model only', async () => {
    expect(await pretrain('tuned', ...BEGUN, ...CONTRAST)).toMatchObject({ code: 0 });
    const other = await pretrain('tuned', ...BEGUN, ...CONTRAST, '--model', at('tuned/model'));
    expect(other.err).toMatch(/config\.from.*\[train\/other-config\]/);
  });
});

describe('objectives that make no sense', () => {
  it.each<[string, string[], RegExp]>([
    [
      'an unknown one',
      ['--objective', 'image-text-contrast'],
      /nearest: "image-text-contrastive".*\[config\/unknown-key\]/,
    ],
    ['matching alone', ['--objective', 'image-text-matching'], /\[config\/objectives\]/],
    ['a weight below 0', ['--objective', 'pixel-regression=-1'], /name=weight/],
    [
      'another preset than the model',
      [...CONTRAST, '--preset', 'small'],
      /--preset.*\[config\/unsupported-option\]/,
    ],
  ])('are refused: %s', async (_, flags, message) => {
    const { code, err } = await pretrain('refused', ...BEGUN, ...flags);
    expect(code).not.toBe(0);
    expect(err).toMatch(message);
  });
});
