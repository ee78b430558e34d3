import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileDirectory } from '@imglish/core/node';
import { loadVisualTokenizer, VqKdTokenizer } from '@imglish/tokenizers';
import { expect, it } from 'vitest';
import { captionedFolder } from '../../test/captioned-folder.js';
import { GOLDEN, outputOf, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { floatsOf } from '../../test/tensors.js';

const folder = temporaryFolder();
const data = captionedFolder(join(folder, 'data'));
const recipe = join(folder, 'recipe.json');
writeFileSync(recipe, JSON.stringify({ startImages: 4, window: 2 }));

/** Two steps of the smallest preset, on the smallest codebook. */
function train(name: string, ...flags: string[]) {
  return runCli(
    ...['tokenizer', 'train', 'visual', '--data', data, '--out', join(folder, name)],
    ...['--preset', 'tiny', '--codes', '200', '--batch', '2', '--steps', '2', '--threads', '1'],
    ...['--recipe', recipe, ...flags],
  );
}
const file = (...path: string[]) => join(folder, ...path);

it('trains a tokenizer that pretraining takes, with a page to look at, and goes on', async () => {
  const { code, out, err } = await train('whole');
  expect(code, err).toBe(0);
  expect(out).toMatch(/^wrote .*tokenizer\n\d+ of 200 codes are in use \([\d.]+ %\)\nto look at: /);
  expect(err).toMatch(/^step 2: \d+ of 200 codes had no use in the last 2 steps; they stay/m);
  expect(err).toMatch(/training the visual tokenizer on onnx 2\/2 .* distillation [\d.]+/);
  const page = readFileSync(file('whole/report.html'), 'utf8');
  // Ten of the twelve pictures are for training.
  expect(page.match(/<img /g)!.length).toBe(2 * 10);
  expect(page).toContain('codes in use');
  expect(page).not.toContain('two styles');
  const tokenizer = await loadVisualTokenizer(fileDirectory(file('whole/tokenizer')));
  expect(tokenizer).toBeInstanceOf(VqKdTokenizer);
  expect(tokenizer.codes).toBe(200);

  // A checkpoint is the whole tokenizer, by the same names.
  const name = 'quantize.embedding.weight';
  const kept = await floatsOf(file('whole/run/checkpoint-2/model.safetensors'), name);
  expect([...kept]).toEqual([...tokenizer.toTensors()[name]!.data]);

  const again = await train('whole', '--json');
  expect(again.code, again.err).toBe(0);
  const result = JSON.parse(again.out.trimEnd().split('\n').at(-1)!);
  expect(result).toMatchObject({ steps: 2, usage: { codes: 200, pictures: 10 } });
  const other = await train('whole', '--lr', '0.1');
  expect(other).toMatchObject({ code: 1, err: expect.stringContaining('[train/other-config]') });

  const pretrain = (...flags: string[]) => [
    ...['pretrain', '--data', data, '--tokenizer', join(GOLDEN, 'tokenizer/tiny_unigram1000.spm')],
    ...['--visual-tokenizer', file('whole/tokenizer'), '--out', file('model'), '--threads', '1'],
    ...['--steps', '1', '--batch', '1', ...flags],
  ];
  await outputOf(...pretrain());
  const model = fileDirectory(file('model/model'));
  expect((await loadVisualTokenizer(model)).toTensors()).toEqual(tokenizer.toTensors());
  const { head } = JSON.parse(readFileSync(file('model/model/config.json'), 'utf8'));
  expect(head.options).toEqual({ codes: 200 });
  const refused = await runCli(...pretrain('--codes', '8'));
  expect(refused.err).toContain('[config/unsupported-option]');
}, 300_000);

it('refuses teachers that there are not', async () => {
  const unknown = await train('unknown', '--teacher', 'pixel');
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('[config/teacher]') });
  const none = await train('none', '--teacher', join(folder, 'none.onnx'));
  expect(none).toMatchObject({ code: 1, err: expect.stringContaining('[backend/model-refused]') });
});
