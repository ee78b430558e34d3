import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captionedFolder } from '../../test/captioned-folder.js';
import { GOLDEN, outputOf, type Ran, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { tensorsOf } from '../../test/tensors.js';

const folder = temporaryFolder();
const data = captionedFolder(join(folder, 'data'));
const spm = join(GOLDEN, 'tokenizer/tiny_unigram1000.spm');
const bytes = (...path: string[]) => readFileSync(join(folder, ...path));

/** The options of a small run; later ones take the place of earlier ones. */
const OPTIONS = {
  data,
  tokenizer: spm,
  steps: '2',
  batch: '1',
  codes: '8',
  every: '1',
  threads: '1',
};

function pretrain(
  name: string,
  changes: Record<string, string | undefined> = {},
  ...flags: string[]
): Promise<Ran> {
  const options = Object.entries<string | undefined>({ ...OPTIONS, ...changes });
  const given = options.flatMap(([key, value]) => (value === undefined ? [] : [`--${key}`, value]));
  return runCli('pretrain', '--out', join(folder, name), ...given, ...flags);
}

const logOf = (name: string) =>
  bytes(name, 'run/log.jsonl')
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('pretrain on a folder of captioned images', () => {
  it('writes checkpoints, a log and a model that can be used', async () => {
    const { code, out, err } = await pretrain('whole');
    expect({ code, out }, err).toEqual({ code: 0, out: `wrote ${join(folder, 'whole/model')}\n` });
    expect(err).toMatch(/^pretraining on onnx 2\/2 \(100 %\).* text [\d.]+ {2}image [\d.]+/m);
    expect(readdirSync(join(folder, 'whole')).sort()).toEqual([
      'model',
      'report.html',
      'run',
      'tokenizers',
    ]);
    expect(readdirSync(join(folder, 'whole/run')).sort()).toEqual([
      'checkpoint-1',
      'checkpoint-2',
      'log.jsonl',
      'run.json',
    ]);
    expect(logOf('whole').map(({ step }) => step)).toEqual([1, 2]);
    expect(bytes('whole/model/tokenizer.spm').equals(readFileSync(spm))).toBe(true);
    const model = join(folder, 'whole/model');
    expect(JSON.parse(bytes('whole/model/config.json').toString()).head).toEqual({
      task: 'masked-data-modelling',
      options: { codes: 8 },
    });
    expect(await outputOf('fill', 'a <mask> on red', '--model', model)).toMatch(/^ {2}blank 1: /m);
    const picture = join(folder, 'filled.png');
    await outputOf('fill', '--model', model, '--image', join(data, '0.png'), '--out', picture);
    expect(existsSync(picture)).toBe(true);
  });

  it('writes a model that answers the same compiled, its weights read where they lie', async () => {
    const answers = async (backend: string) => {
      const picture = ['--image', join(data, '0.png'), '--backend', backend, '--json'];
      const model = ['--model', join(folder, 'whole/model')];
      return JSON.parse(await outputOf('fill', 'a <mask> on <mask>', ...model, ...picture));
    };
    const [compiled, eager] = [await answers('onnx'), await answers('wasm')];
    expect(compiled.text).toBe(eager.text);
    for (const [blank, guesses] of compiled.blanks.entries()) {
      for (const [i, { probability }] of guesses.entries()) {
        expect(probability).toBeCloseTo(eager.blanks[blank][i].probability, 6);
      }
    }
  });

  it('says so again when there is nothing left to do', async () => {
    const before = bytes('whole/model/model.safetensors');
    const { code, out, err } = await pretrain('whole');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(`wrote ${join(folder, 'whole/model')}\n`);
    expect(bytes('whole/model/model.safetensors').equals(before)).toBe(true);
  });

  it('computes the same with --recompute, and reports in JSON', async () => {
    const { code, out } = await pretrain('again', {}, '--recompute', '--json');
    expect(code).toBe(0);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)).toEqual({ steps: 2, model: join(folder, 'again/model') });
    expect(lines.some(({ label, step }) => label === 'pretraining on onnx' && step === 2)).toBe(
      true,
    );
    const losses = (name: string) => logOf(name).flatMap((step) => Object.values(step.losses));
    for (const [i, loss] of losses('again').entries()) {
      expect(loss).toBeCloseTo(losses('whole')[i] as number, 5);
    }
  });

  it('computes the same op by op', async () => {
    expect((await pretrain('op by op', { backend: 'wasm' })).code).toBe(0);
    for (const [i, step] of logOf('op by op').entries()) {
      for (const [part, loss] of Object.entries(step.losses)) {
        expect(loss).toBeCloseTo(logOf('whole')[i].losses[part], 4);
      }
    }
  });

  it('learns from other texts than the captions', async () => {
    const texts = join(folder, 'texts.txt');
    writeFileSync(texts, 'one line of a text\nanother line of another text\n');
    const { code } = await pretrain('texts', { texts, steps: '1' });
    expect(code).toBe(0);
    const [ours] = logOf('texts');
    const [captions] = logOf('whole');
    expect(ours.losses.text).not.toBe(captions.losses.text);
    expect(ours.losses.image).toBe(captions.losses.image);
  });

  it('learns from several sources, at another resolution', async () => {
    const other = captionedFolder(join(folder, 'other'));
    const changes = { data: undefined, resolution: '16', steps: '1' };
    const { code, err } = await pretrain('several', changes, '--data', data, other);
    expect(code, err).toBe(0);
    const run = JSON.parse(bytes('several/run/run.json').toString());
    const sources = [data, other].map((directory) => ({ kind: 'folder', directory }));
    expect(run.config.source).toEqual({ kind: 'several', sources });
    expect(run.config.model.imageSize).toEqual([16, 16]);
  });

  it('takes a recipe from a file, and options before it', async () => {
    const recipe = join(folder, 'recipe.json');
    const mix = { text: 2, image: 1, pair: 0 };
    writeFileSync(recipe, JSON.stringify({ steps: 9, accumulate: 1, mix, lr: 0.5, seed: 3 }));
    const options = { recipe, steps: '1', batch: undefined, lr: '0.25' };
    expect((await pretrain('recipe', options)).code).toBe(0);
    const run = JSON.parse(bytes('recipe/run/run.json').toString());
    expect(run.config.recipe).toMatchObject({ steps: 1, accumulate: 1, mix, lr: 0.25, seed: 3 });
    expect(logOf('recipe')).toHaveLength(1);
    expect(Object.keys(logOf('recipe')[0].losses)).toEqual(['text', 'image']);

    const batch = { ...options, batch: '2' };
    expect((await pretrain('batch', batch)).code).toBe(0);
    const other = JSON.parse(bytes('batch/run/run.json').toString());
    expect(other.config.recipe.mix).toEqual({ text: 2, image: 2, pair: 2 });
  });

  it.each(['5', 'null', '[1]', '"steps"'])('refuses %s as a recipe', async (text) => {
    const recipe = join(folder, 'no-recipe.json');
    writeFileSync(recipe, text);
    const { code, err } = await pretrain('refused', { recipe });
    expect(code).toBe(1);
    expect(err).toContain('[config/json]');
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });
});

describe('going on', () => {
  it.each<[string, Record<string, string>, string[], RegExp]>([
    ['steps', { steps: '3' }, [], /config\.recipe\.steps.*\[train\/other-config\]/],
    ['batch', { batch: '2' }, [], /config\.recipe\.mix.*\[train\/other-config\]/],
    ['lr', { lr: '0.5' }, [], /config\.recipe\.lr.*\[train\/other-config\]/],
    ['seed', { seed: '1' }, [], /seed.*\[train\/other-config\]/],
    ['data', { data: captionedFolder(join(folder, 'other')) }, [], /config\.source\.directory/],
    ['texts', { texts: join(data, 'captions.jsonl') }, [], /\[train\/other-config\]/],
    ['recompute', {}, ['--recompute'], /config\.recipe\.recompute/],
    ['preset', { preset: 'small' }, [], /\[train\/other-config\]/],
    ['codes', { codes: '9' }, [], /expected 8 codes.*got 9 codes.*\[config\/other-tokenizers\]/],
  ])('with another %s is refused, and changes nothing', async (_, changes, flags, message) => {
    const before = await tensorsOf(join(folder, 'whole/model/model.safetensors'));
    const log = bytes('whole/run/log.jsonl');
    const { code, out, err } = await pretrain('whole', changes, ...flags);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^imglish: [^\n]+\n$/);
    expect(err).toMatch(message);
    expect(await tensorsOf(join(folder, 'whole/model/model.safetensors'))).toEqual(before);
    expect(bytes('whole/run/log.jsonl').equals(log)).toBe(true);
    expect(readdirSync(join(folder, 'whole/run'))).not.toContain('lock');
  });

  it('with another tokenizer is refused, without one is not', async () => {
    const corpus = join(folder, 'corpus.txt');
    const other = join(folder, 'other.spm');
    writeFileSync(
      corpus,
      'a square on red, to the left\na square on blue, to the right\n'.repeat(9),
    );
    const size = ['--vocabulary-size', '30'];
    await outputOf('tokenize', '--train', corpus, '--out', other, ...size);
    const refused = await pretrain('whole', { tokenizer: other });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('[config/other-tokenizers]');
    expect((await pretrain('whole', { tokenizer: undefined })).code).toBe(0);
  });
});

describe('what cannot be learnt from', () => {
  it('is a text tokenizer that is none; another may follow', async () => {
    const bad = await pretrain('tokenizer', { tokenizer: join(data, 'captions.jsonl') });
    expect(bad.code).toBe(1);
    expect(bad.err).toMatch(/\[tokenizer\/[a-z-]+\]\n$/);
    expect(existsSync(join(folder, 'tokenizer/run'))).toBe(false);
    expect((await pretrain('tokenizer', { steps: '1' })).code).toBe(0);
  });

  it('are not few texts: their vocabulary is smaller', async () => {
    const { code, err } = await pretrain('few', { tokenizer: undefined });
    expect(code, err).toBe(0);
  });

  it('is a line about an image that is not there', async () => {
    const broken = captionedFolder(join(folder, 'broken'), 3);
    writeFileSync(join(broken, 'captions.jsonl'), '{"image": "9.png", "caption": "none"}\n');
    const { code, err } = await pretrain('broken run', { data: broken });
    expect(code).toBe(1);
    expect(err).toContain('9.png');
    expect(err).toContain('[data/missing-image]');
    expect(existsSync(join(folder, 'broken run'))).toBe(false);
  });

  it('are threads that do not share the work evenly', async () => {
    const { code, err } = await pretrain('threads', { backend: 'wasm', threads: '3' });
    expect(code).toBe(1);
    expect(err).toContain('[config/ranks]');
  });
});
