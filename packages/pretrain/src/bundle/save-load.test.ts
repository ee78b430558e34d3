import '@tensorflow/tfjs-backend-cpu';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CompileOptions,
  type Compiler,
  type Directory,
  type FilePlace,
  memoryDirectory,
  tensorEntry,
  writeSafetensors,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { expectAllClose, withoutLeaks } from '@imglish/testing';
import { KMeansTokenizer, trainUnigram } from '@imglish/tokenizers';
import { dispose } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomParameters } from '../../test/parameters.js';
import {
  CODES,
  codesOf,
  mosaic,
  toyConfig,
  toySpm,
  toyTokenizers,
  toyVisualTokenizer,
} from '../../test/toy.js';
import { fillImage } from '../fill/fill-image.js';
import { fillText } from '../fill/fill-text.js';
import { pretrainSpecs } from '../recipe/pretrain.js';
import type { PretrainedModel } from './pretrained-model.js';
import { loadPretrained, savePretrained, servePretrained } from './save-load.js';

const config = toyConfig({ variant: 'paper', fusionLayers: 1 });
let model: PretrainedModel;
let saved: Directory;
beforeAll(async () => {
  model = { config, parameters: randomParameters(config), ...toyTokenizers() };
  saved = memoryDirectory();
  await savePretrained(saved, model, { spm: toySpm(), card: '# A toy' });
});
afterAll(() => dispose({ ...model.parameters }));

const disposeModel = ({ parameters }: PretrainedModel) => dispose({ ...parameters });

async function bytesOf(directory: Directory, name: string): Promise<Uint8Array> {
  const source = await directory.open(name);
  return (await source.read(0, source.size)).slice();
}

async function write(directory: Directory, name: string, bytes: Uint8Array | string) {
  const sink = await directory.create(name);
  await sink.write(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes);
  await sink.close();
}

async function copyOf(directory: Directory): Promise<Directory> {
  const copy = memoryDirectory('copy');
  for (const name of await directory.list())
    await write(copy, name, await bytesOf(directory, name));
  return copy;
}

describe('a saved model', () => {
  it('is a model directory with a visual tokenizer', async () => {
    expect(await saved.list()).toEqual([
      'README.md',
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
      'tokenizer.spm',
      'visual_tokenizer.json',
      'visual_tokenizer.safetensors',
    ]);
    const json = JSON.parse(new TextDecoder().decode(await bytesOf(saved, 'config.json')));
    expect(json).toEqual({
      model: config,
      head: { task: 'masked-data-modelling', options: { codes: CODES } },
    });
  });

  it('is loaded as it was', async () => {
    const loaded = await loadPretrained(saved);
    expect(loaded.config).toEqual(config);
    expect(loaded.preprocessor).toEqual(model.preprocessor);
    expect(loaded.visualTokenizer.toTensors()).toEqual(model.visualTokenizer.toTensors());
    expect(Object.keys(loaded.parameters)).toEqual(Object.keys(pretrainSpecs(config, CODES)));
    for (const [name, tensor] of Object.entries(model.parameters)) {
      expectAllClose(loaded.parameters[name]!, tensor, { absolute: 0 });
    }
    disposeModel(loaded);
  });

  it('answers as it did', async () => {
    const loaded = await loadPretrained(saved);
    const image = mosaic(codesOf(1));
    const mask = Array.from({ length: 16 }, (_, i) => i % 2);
    const answers = async (of: PretrainedModel) => [
      await fillText(of, '<mask> above <mask>', { image }),
      await fillText(of, 'red <mask>'),
      await fillImage(of, image, mask, { caption: 'red above red' }),
    ];
    expect(await answers(loaded)).toEqual(await answers(model));
    disposeModel(loaded);
  });

  it('is served as it answered, and leaves nothing behind', async () => {
    const image = mosaic(codesOf(1));
    await withoutLeaks(async () => {
      const served = await servePretrained(saved, {});
      const text = '<mask> above <mask>';
      expect(await fillText(served, text, { image })).toEqual(
        await fillText(model, text, { image }),
      );
      await served.dispose();
    });
  });

  it('is served by a compiler from its file, without its parameters being read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'imglish-served-'));
    const directory = fileDirectory(folder);
    await savePretrained(directory, model, { spm: toySpm() });
    let seen: CompileOptions | undefined;
    const compiler: Compiler = {
      description: 'looks only',
      reserve: () => expect.unreachable('no parameter is a tensor'),
      compile: async (_f, _example, options) => {
        seen = options;
        throw new Error('looked');
      },
    };
    await withoutLeaks(async () => {
      const served = await servePretrained(directory, { compiler });
      await expect(fillText(served, 'red <mask>')).rejects.toThrow('looked');
      await served.dispose();
    });
    const places = Object.entries(seen!.parameters!);
    expect(places.map(([name]) => name)).toEqual(Object.keys(pretrainSpecs(config, CODES)));
    const files = places.map(([, { place }]) => (place as FilePlace).file);
    expect(new Set(files)).toEqual(new Set([join(folder, 'model.safetensors')]));
    expect(seen!.freeSizes).toEqual({
      textIds: { 0: 'batch', 1: 'text' },
      wordPositions: { 0: 'words' },
    });
    const inMemory = servePretrained(saved, { compiler });
    await expect(inMemory).rejects.toMatchObject({ code: 'checkpoint/not-in-place' });
    rmSync(folder, { recursive: true });
  });

  it('leaves no tensor behind, neither written nor read', async () => {
    await withoutLeaks(async () => {
      const directory = memoryDirectory();
      await savePretrained(directory, model, { spm: toySpm() });
      disposeModel(await loadPretrained(directory));
    });
  });
});

describe('a directory that is written again', () => {
  const other = () => {
    const { data } = toyVisualTokenizer().toTensors().codebook;
    return new KMeansTokenizer(
      2,
      data.map((value) => value / 2),
    );
  };
  /** The directory, whose `name` cannot be written. */
  const failing = (directory: Directory, name: string): Directory => ({
    ...directory,
    create: async (file) => {
      if (file === name) throw new Error('disk full');
      return directory.create(file);
    },
  });

  it('keeps the model where new weights of it cannot be written', async () => {
    const directory = await copyOf(saved);
    const broken = failing(directory, 'model.safetensors');
    await expect(savePretrained(broken, model, { spm: toySpm() })).rejects.toThrow('disk full');
    disposeModel(await loadPretrained(directory));
  });

  it.each([
    ['visual_tokenizer.safetensors', undefined],
    ['model.safetensors', 'checkpoint/no-model'],
    ['config.json', 'checkpoint/no-model'],
  ])('never has weights beside the codebook of others: without %s', async (name, code) => {
    const directory = await copyOf(saved);
    const changed = { ...model, visualTokenizer: other() };
    const saving = savePretrained(failing(directory, name), changed, { spm: toySpm() });
    await expect(saving).rejects.toThrow('disk full');
    if (code) {
      await expect(loadPretrained(directory)).rejects.toMatchObject({ code });
    } else {
      const loaded = await loadPretrained(directory);
      expect(loaded.visualTokenizer.toTensors()).toEqual(model.visualTokenizer.toTensors());
      disposeModel(loaded);
    }
    await savePretrained(directory, changed, { spm: toySpm() });
    const loaded = await loadPretrained(directory);
    expect(loaded.visualTokenizer.toTensors()).toEqual(changed.visualTokenizer.toTensors());
    disposeModel(loaded);
  });
});

describe('loadPretrained refuses', () => {
  it.each([
    ['config.json', 'checkpoint/no-model'],
    ['model.safetensors', 'checkpoint/no-model'],
    ['tokenizer.spm', 'checkpoint/no-tokenizer'],
    ['visual_tokenizer.json', 'io/not-found'],
    ['visual_tokenizer.safetensors', 'io/not-found'],
  ])('a directory without %s', async (name, code) => {
    const directory = await copyOf(saved);
    await directory.remove(name);
    await withoutLeaks(() => expect(loadPretrained(directory)).rejects.toMatchObject({ code }));
  });

  const head = { task: 'masked-data-modelling', options: { codes: CODES } };
  const json = (value: unknown) => JSON.stringify(value);

  it.each([
    [
      'another head',
      'config.json',
      json({ model: config, head: { task: 'vqa', options: {} } }),
      'checkpoint/other-head',
    ],
    [
      'a head over another codebook',
      'config.json',
      json({ model: config, head: { ...head, options: { codes: 9 } } }),
      'checkpoint/codebook-size',
    ],
    [
      'a model with fewer rows than ids',
      'config.json',
      json({ model: { ...config, vocabularySize: 20 }, head }),
      'config/vocabulary-size',
    ],
    [
      'a model of another grid',
      'config.json',
      json({ model: { ...config, patchSize: 4 }, head }),
      'config/visual-grid',
    ],
    [
      'a model of another width',
      'config.json',
      json({ model: { ...config, dim: 16 }, head }),
      'checkpoint/mismatch',
    ],
    [
      'an unknown key',
      'config.json',
      json({ model: config, head, codes: 5 }),
      'config/unknown-key',
    ],
    ['a damaged configuration', 'config.json', '{"model":', 'checkpoint/json'],
    ['a damaged visual tokenizer', 'visual_tokenizer.json', '{"type":', 'checkpoint/json'],
    [
      'a visual tokenizer of another kind',
      'visual_tokenizer.json',
      json({ type: 'vqkd', codes: 5, patchSize: 2 }),
      'tokenizer/visual-type',
    ],
    ['a damaged codebook', 'visual_tokenizer.safetensors', 'nothing', 'checkpoint/header'],
    ['a damaged text tokenizer', 'tokenizer.spm', 'nothing', 'tokenizer/corrupt-model'],
  ])('%s', async (_, name, content, code) => {
    const directory = await copyOf(saved);
    await write(directory, name, content);
    await withoutLeaks(() => expect(loadPretrained(directory)).rejects.toMatchObject({ code }));
  });

  it('a larger text tokenizer and a smaller codebook', async () => {
    const words = 'abcdefghijklmnopqrstuvwxyz'.split('').map((letter) => `${letter}1 ${letter}2`);
    const larger = await copyOf(saved);
    await write(larger, 'tokenizer.spm', trainUnigram(words, { vocabSize: 35 }).spm);
    await expect(loadPretrained(larger)).rejects.toMatchObject({ code: 'config/vocabulary-size' });

    const smaller = await copyOf(saved);
    const codebook = new Float32Array((CODES - 1) * 12);
    const entry = tensorEntry('codebook', 'F32', [CODES - 1, 12], codebook);
    await writeSafetensors(await smaller.create('visual_tokenizer.safetensors'), [entry]);
    const visual = { type: 'kmeans', codes: CODES - 1, patchSize: 2 };
    await write(smaller, 'visual_tokenizer.json', JSON.stringify(visual));
    await expect(loadPretrained(smaller)).rejects.toMatchObject({
      code: 'checkpoint/codebook-size',
    });
  });
});
