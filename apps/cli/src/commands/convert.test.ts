import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  backboneSpecs,
  type ModelConfig,
  modelConfig,
  type ParameterSpecs,
  preset,
  tensorEntry,
  writeSafetensors,
} from '@imglish/core';
import { fileSink } from '@imglish/core/node';
import { maskedDataHeadSpecs } from '@imglish/pretrain';
import { defaultPreprocessor, textTokenizer } from '@imglish/tokenizers';
import { describe, expect, it } from 'vitest';
import { GOLDEN, outputOf, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { floatsOf, tensorsOf } from '../../test/tensors.js';
import { maxDifference } from '../parity/report.js';

const folder = temporaryFolder();
const weights = (name: string) => join(GOLDEN, 'weights', name);
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

/** Files of a directory, each as text of its bytes. */
const contents = (directory: string) =>
  readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'latin1')]);

const HEADS = [
  ['classification', { task: 'image-classification', options: { classes: 5 } }, false],
  ['nlvr2', { task: 'visual-reasoning', options: { classes: 2 } }, true],
  ['vqa', { task: 'visual-question-answering', options: { answers: 7 } }, false],
  ['captioning', { task: 'image-captioning', options: {} }, true],
  ['retrieval', { task: 'image-text-retrieval', options: {} }, true],
] as const;

/** A weights file of zeros. */
async function weightsOf(name: string, specs: ParameterSpecs): Promise<string> {
  const path = join(folder, name);
  const entries = Object.entries(specs).map(([key, { shape }]) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return tensorEntry(key, 'F32', shape, new Float32Array(size));
  });
  await writeSafetensors(await fileSink(path), entries);
  return path;
}

describe.each(HEADS)('an official %s.pth', (name, head, normalizeOutput) => {
  const directory = join(folder, name);
  const back = join(folder, `${name}.pth`);

  it('becomes a model directory whose configuration is read off its tensors', async () => {
    const out = await outputOf('convert', weights(`${name}.pth`), directory, '--heads', '4');
    expect(out).toBe(`wrote ${directory}\n`);
    const { config } = json(join(GOLDEN, 'README.json'));
    const model: ModelConfig = modelConfig({
      imageSize: [config.img_size, config.img_size],
      patchSize: config.patch_size,
      vocabularySize: config.vocab_size,
      dim: config.dim,
      heads: config.heads,
      ffnDim: config.ffn,
      layers: config.layers,
      maxTextPositions: config.max_source_positions,
      normalizeOutput,
    });
    expect(json(join(directory, 'config.json'))).toEqual(
      JSON.parse(JSON.stringify({ model, head })),
    );
    expect(readdirSync(directory).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
    ]);
  });

  it('has the same tensors there, and in the .pth that the directory becomes', async () => {
    await outputOf('convert', directory, back);
    const official = await tensorsOf(weights(`${name}.pth`));
    expect(Object.keys(official)).toHaveLength(
      json(join(GOLDEN, 'README.json')).state_dict_keys[name],
    );
    expect(await tensorsOf(join(directory, 'model.safetensors'))).toEqual(official);
    expect(await tensorsOf(back)).toEqual(official);
  });

  it('becomes the same directory from the .pth that it became', async () => {
    const again = join(folder, `${name} again`);
    await outputOf('convert', back, again, '--heads', '4');
    expect(contents(again)).toEqual(contents(directory));
  });
});

describe('what tensors tell', () => {
  it('is the number of heads where a preset has their width', async () => {
    const source = await weightsOf('tiny.safetensors', backboneSpecs(preset('tiny')));
    await outputOf('convert', source, join(folder, 'tiny'));
    expect(json(join(folder, 'tiny/config.json'))).toEqual({
      model: JSON.parse(JSON.stringify(preset('tiny'))),
      head: { task: 'backbone', options: {} },
    });
  });

  it('is the variant, its fusion layers and the size of the codebook', async () => {
    const config = modelConfig({ ...preset('small'), layers: 3, fusionLayers: 1, ffnDim: 128 });
    const specs = { ...backboneSpecs(config), ...maskedDataHeadSpecs(config, 11) };
    await outputOf('convert', await weightsOf('small.safetensors', specs), join(folder, 'small'));
    expect(json(join(folder, 'small/config.json'))).toEqual({
      model: JSON.parse(JSON.stringify(config)),
      head: { task: 'masked-data-modelling', options: { codes: 11 } },
    });
  });
});

describe('--image-size', () => {
  const positions = 'beit3.encoder.embed_positions.A.weight';

  it.each([48, 16])('resizes the positions as the reference does: %i px', async (size) => {
    const directory = join(folder, `at ${size}`);
    const source = weights('retrieval.pth');
    await outputOf('convert', source, directory, '--heads', '4', '--image-size', String(size));
    const model = join(directory, 'model.safetensors');
    const golden = join(GOLDEN, 'interpolate/retrieval_32_to_48.safetensors');
    const ours = await floatsOf(model, positions);
    const theirs = await floatsOf(golden, `after${size}.${positions}`);
    expect(ours).toHaveLength(theirs.length);
    expect(maxDifference(ours, theirs)).toBeLessThanOrEqual(1e-5);

    const { [positions]: resized, ...others } = await tensorsOf(model);
    const { [positions]: official, ...expected } = await tensorsOf(source);
    expect(resized).not.toBe(official);
    expect(others).toEqual(expected);
    expect(json(join(directory, 'config.json')).model.imageSize).toEqual([size, size]);
    expect(json(join(directory, 'preprocessor_config.json'))).toEqual(
      JSON.parse(JSON.stringify(defaultPreprocessor([size, size]))),
    );
    expect(await outputOf('describe', directory)).toContain(`${size} × ${size} px`);
  });
});

describe('--tokenizer', () => {
  const spm = join(GOLDEN, 'tokenizer/tiny_unigram1000.spm');

  it('puts the file into the directory where its ids have rows', async () => {
    const { vocabSize } = textTokenizer(new Uint8Array(readFileSync(spm)));
    const config = modelConfig({ ...preset('tiny'), vocabularySize: vocabSize });
    const source = await weightsOf('words.safetensors', backboneSpecs(config));
    const directory = join(folder, 'words');
    await outputOf('convert', source, directory, '--tokenizer', spm);
    expect(readFileSync(join(directory, 'tokenizer.spm')).equals(readFileSync(spm))).toBe(true);
    expect(await outputOf('tokenize', 'a cat', '--model', directory)).toContain('▁a');
  });

  it('refuses one of another vocabulary', async () => {
    const directory = join(folder, 'other words');
    const options = ['--heads', '4', '--tokenizer', spm];
    const { code, err } = await runCli('convert', weights('vqa.pth'), directory, ...options);
    expect(code).toBe(1);
    expect(err).toContain('97 ids');
    expect(err).toContain('1002 ids');
    expect(err).toContain('[config/wrong-vocabulary]');
    expect(existsSync(directory)).toBe(false);
  });

  it('refuses a file that is no tokenizer', async () => {
    const directory = join(folder, 'no words');
    const options = ['--heads', '4', '--tokenizer', join(GOLDEN, 'README.json')];
    const { code, err } = await runCli('convert', weights('vqa.pth'), directory, ...options);
    expect(code).toBe(1);
    expect(err).toMatch(/^imglish: .*\[tokenizer\/.*\]\n$/);
    expect(existsSync(directory)).toBe(false);
  });
});

describe('what cannot be converted', () => {
  it.each([
    ['a file of other tensors', weights('pth_variants.pth'), 'checkpoint/not-beit3', []],
    ['a file that is no weights file', join(GOLDEN, 'README.json'), 'checkpoint/', []],
    ['heads that do not divide the width', weights('vqa.pth'), 'config/', ['--heads', '5']],
    [
      'an image size that patches do not fill',
      weights('vqa.pth'),
      'config/invalid-value',
      ['--heads', '4', '--image-size', '33'],
    ],
  ])('leaves nothing behind: %s', async (_, source, errorCode, options) => {
    const target = join(folder, 'refused');
    const { code, out, err } = await runCli('convert', source, target, ...options);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^imglish: [^\n]+\n$/);
    expect(err).toContain(`[${errorCode}`);
    expect(existsSync(target)).toBe(false);
  });

  it('names a tensor that is missing and one too many', async () => {
    const { 'beit3.encoder.layers.2.ffn.B.fc2.bias': missing, ...specs } = backboneSpecs(
      preset('tiny'),
    );
    const source = await weightsOf('strange.safetensors', {
      ...specs,
      'beit3.extra.weight': missing!,
    });
    const { code, err } = await runCli('convert', source, join(folder, 'strange'));
    expect(code).toBe(1);
    expect(err).toContain('beit3.encoder.layers.2.ffn.B.fc2.bias');
    expect(err).toContain('beit3.extra.weight');
    expect(existsSync(join(folder, 'strange'))).toBe(false);
  });

  it('is a directory to anything but a .pth, or with options', async () => {
    const directory = join(folder, 'vqa');
    const refused = [
      await runCli('convert', directory, join(folder, 'vqa.safetensors')),
      await runCli('convert', directory, join(folder, 'vqa-4.pth'), '--heads', '4'),
    ];
    for (const { code, err } of refused) {
      expect(code).toBe(1);
      expect(err).toContain('[config/unsupported-option]');
    }
    expect(existsSync(join(folder, 'vqa.safetensors'))).toBe(false);
    expect(existsSync(join(folder, 'vqa-4.pth'))).toBe(false);
  });
});

describe('an interruption', () => {
  /** A `.pth` of which the last tensors cannot be read: found out only while writing. */
  function damaged(): string {
    const bytes = readFileSync(weights('vqa.pth'));
    const name = bytes.lastIndexOf('/data/5', bytes.lastIndexOf('PK\u0001\u0002') - 1);
    const header = bytes.lastIndexOf('PK\u0003\u0004', bytes.indexOf('/data/5'));
    expect(name).toBeGreaterThan(header);
    expect(header).toBeGreaterThan(0);
    bytes.fill(0, header, header + 4);
    const path = join(folder, 'damaged.pth');
    writeFileSync(path, bytes);
    return path;
  }

  it('in the middle of a directory leaves no file', async () => {
    const target = join(folder, 'interrupted');
    const { code, err } = await runCli('convert', damaged(), target, '--heads', '4');
    expect(code).toBe(1);
    expect(err).toMatch(/^imglish: .*\[checkpoint\/.*\]\n$/);
    expect(existsSync(target) ? readdirSync(target) : []).toEqual([]);
  });

  it('leaves the model that was there', async () => {
    const target = join(folder, 'kept');
    await outputOf('convert', weights('captioning.pth'), target, '--heads', '4');
    const before = contents(target);
    expect((await runCli('convert', damaged(), target, '--heads', '4')).code).toBe(1);
    expect(contents(target)).toEqual(before);
    expect(await outputOf('describe', target)).toContain('3 layers of width 32');
  });

  it('by a .pth that cannot be put there leaves no file', async () => {
    const target = join(folder, 'taken.pth');
    mkdirSync(target);
    const before = readdirSync(folder);
    const { code, err } = await runCli('convert', join(folder, 'vqa'), target);
    expect(code).toBe(1);
    expect(err).toMatch(/^imglish: .*\[io\/write\]\n$/);
    expect(readdirSync(target)).toEqual([]);
    expect(readdirSync(folder)).toEqual(before);
  });
});
