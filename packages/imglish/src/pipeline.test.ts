import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileDirectory } from '@imglish/core/node';
import { describe, expect, it } from 'vitest';
import { tinyModel } from '../test/tiny-models.js';
import { pipeline as anywhere } from './index.js';
import { type ModelProgress, type PipelineOptions, pipeline, readImage } from './node.js';

const golden = new URL('../../../fixtures/golden/preprocess/', import.meta.url);
const path = fileURLToPath(new URL('rgb_53x37.png', golden));
const other = fileURLToPath(new URL('photo_70x50_444.jpg', golden));
const refused = (code: string) => expect.objectContaining({ code });

// Both ways of computing: op by op, and compiled.
describe.each(['cpu', 'onnx'])('pipelines on %s', (device) => {
  const options: PipelineOptions = { device };

  it('image-classification', async () => {
    const model = await tinyModel('imageClassification', ['cat', 'dog', 'owl']);
    const classify = await pipeline('image-classification', model, options);
    const one = await classify(path);
    expect(one).toHaveLength(3);
    expect(one.map(({ label }) => label).sort()).toEqual(['cat', 'dog', 'owl']);
    expect(one.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 6);
    const many = await classify([path, other, path], { top_k: 2, batch_size: 2 });
    expect(many.map((labels) => labels.length)).toEqual([2, 2, 2]);
    expect(many[2]![0]!.score).toBeCloseTo(one[0]!.score, 5);
    expect(await classify([])).toEqual([]);
    await classify.dispose();
  });

  it('text-classification', async () => {
    const model = await tinyModel('textClassification', ['good', 'bad']);
    const classify = await pipeline('text-classification', model, options);
    const all = await classify('a dog', { top_k: 2 });
    expect(all.map(({ label }) => label).sort()).toEqual(['bad', 'good']);
    expect(await classify(['a dog'])).toEqual([
      [expect.objectContaining({ label: all[0]!.label })],
    ]);
    await classify.dispose();
  });

  it('visual-question-answering', async () => {
    const model = await tinyModel('visualQuestionAnswering', ['yes', 'no', '2']);
    const ask = await pipeline('visual-question-answering', model, options);
    const one = await ask(path, 'is it a dog?', { top_k: 1 });
    expect(one).toEqual([{ answer: expect.any(String), score: expect.any(Number) }]);
    const many = await ask(path, ['is it a dog?', 'how many?']);
    expect(many).toHaveLength(2);
    expect(many[0]![0]!.score).toBeCloseTo(one[0]!.score, 5);
    await expect(ask([path, other], ['a', 'b', 'c'])).rejects.toThrow(/lengths 2 and 3/);
    await ask.dispose();
  });

  it('visual-reasoning', async () => {
    const judge = await pipeline('visual-reasoning', await tinyModel('visualReasoning'), options);
    const one = await judge([path, other], 'both are dogs');
    expect(one.map(({ label }) => label).sort()).toEqual(['False', 'True']);
    expect(one[0]!.score).toBeGreaterThanOrEqual(one[1]!.score);
    const two = await judge(
      [
        [path, other],
        [other, path],
      ],
      'both are dogs',
    );
    expect(two[0]![0]!.score).toBeCloseTo(one[0]!.score, 5);
    await judge.dispose();
  });

  it('image-to-text', async () => {
    const describeImage = await pipeline(
      'image-to-text',
      await tinyModel('imageCaptioning'),
      options,
    );
    const beam = await describeImage(path, { max_length: 8 });
    expect(beam).toEqual([{ generated_text: expect.any(String) }]);
    const drawn = { do_sample: true, seed: 3, max_length: 8 } as const;
    expect(await describeImage([path], drawn)).toEqual([await describeImage(path, drawn)]);
    await expect(describeImage(path, { do_sample: true })).rejects.toThrow(/seed/);
    await expect(describeImage(path, { num_beams: 1, top_p: 0.5 })).rejects.toEqual(
      refused('config/unsupported-option'),
    );
    await describeImage.dispose();
  });

  it('fill-mask', async () => {
    const fill = await pipeline('fill-mask', await tinyModel('fillMask'), options);
    const one = await fill('a <mask> dog', { top_k: 3 });
    expect(one).toHaveLength(3);
    expect(one[0]).toEqual({
      score: expect.any(Number),
      token: expect.any(Number),
      token_str: expect.any(String),
      sequence: expect.stringMatching(/^a.* dog$/),
    });
    expect(await fill('a <mask> <mask>', { top_k: 1 })).toEqual([
      [expect.anything()],
      [expect.anything()],
    ]);
    await expect(fill('a dog')).rejects.toEqual(refused('config/no-blank'));
    await fill.dispose();
  });

  it('features, zero-shot and retrieval of one model agree', async () => {
    const model = await tinyModel('imageTextRetrieval');
    const texts = ['a dog', 'two cats'];
    const ofTexts = await pipeline('feature-extraction', model, options);
    const ofImages = await pipeline('image-feature-extraction', model, options);
    const retrieve = await pipeline('image-text-retrieval', model, options);
    const classify = await pipeline('zero-shot-image-classification', model, options);
    const [text, image] = [await ofTexts(texts), await ofImages(path)];
    expect([text.dims, image.dims]).toEqual([
      [2, 128],
      [1, 128],
    ]);
    const cosines = texts.map((_, i) =>
      image.data.reduce((sum, x, j) => sum + x * text.data[i * 128 + j]!, 0),
    );
    const found = await retrieve(path, texts);
    found.forEach((score, i) => {
      expect(score).toBeCloseTo(cosines[i]!, 5);
    });
    const labels = await classify(path, texts, { hypothesis_template: '{}' });
    const odds = Math.exp((cosines[0]! - cosines[1]!) / 0.07);
    const score = labels.find(({ label }) => label === 'a dog')!.score;
    expect(score).toBeCloseTo(odds / (1 + odds), 4);
    expect(await classify([path, other], texts)).toHaveLength(2);
    for (const pipe of [ofTexts, ofImages, retrieve, classify]) await pipe.dispose();
  });
});

describe('pipeline', () => {
  it('tells what is read, and takes images of every kind', async () => {
    const told: ModelProgress[] = [];
    const model = await tinyModel('imageClassification', ['cat', 'dog']);
    const classify = await pipeline('image-classification', model, {
      device: 'cpu',
      progress_callback: (progress) => told.push(progress),
    });
    expect(told[0]).toMatchObject({ status: 'initiate' });
    expect(told).toContainEqual(
      expect.objectContaining({ status: 'progress', file: 'model.safetensors', progress: 100 }),
    );
    expect(told.at(-1)).toMatchObject({ status: 'ready', task: 'image-classification' });
    const bytes = readFileSync(path);
    const rgb = await readImage(bytes);
    const rgba = new Uint8ClampedArray(4 * rgb.width * rgb.height);
    for (let i = 0; i < rgb.width * rgb.height; i++)
      rgba.set(rgb.data.subarray(3 * i, 3 * i + 3), 4 * i);
    const pixels = { width: rgb.width, height: rgb.height, data: rgba };
    const canvas = { ...pixels, getContext: () => ({ getImageData: () => pixels }) };
    const kinds = [
      path,
      new URL('rgb_53x37.png', golden),
      bytes,
      new Blob([bytes]),
      rgb,
      pixels,
      canvas,
    ];
    const results = await classify(kinds);
    for (const result of results) expect(result).toEqual(results[0]);
    await expect(classify('/no/such.png')).rejects.toEqual(refused('io/not-found'));
    await expect(classify(7 as never)).rejects.toEqual(refused('image/unsupported'));
    await expect(classify({ ...pixels, width: 3 })).rejects.toEqual(refused('image/unsupported'));
    await classify.dispose();
    await classify.dispose();
    await expect(classify(path)).rejects.toEqual(refused('config/disposed'));
  });

  it('stops when it is told to', async () => {
    const model = await tinyModel('imageClassification', ['cat', 'dog']);
    const classify = await pipeline('image-classification', model, { device: 'cpu' });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(classify(path, { signal })).rejects.toThrow('enough');
    await classify.dispose();
  });

  it('refuses what it does not know, and says what there is', async () => {
    const model = await tinyModel('imageClassification', ['cat', 'dog']);
    const open = (task: string, options: object) => pipeline(task as 'fill-mask', model, options);
    await expect(open('fill-masks', {})).rejects.toThrow(/Did you mean "fill-mask"/);
    await expect(open('fill-mask', { device: 'cpu' })).rejects.toEqual(
      refused('checkpoint/other-head'),
    );
    await expect(open('fill-mask', { dtype: 'q8' })).rejects.toThrow(/dtype 'fp32'/);
    await expect(open('fill-mask', { revision: 'main' })).rejects.toThrow(/device, dtype/);
    await expect(open('fill-mask', { devise: 'cpu' })).rejects.toThrow(/nearest: "device"/);
    await expect(open('fill-mask', { device: 'tpu' })).rejects.toEqual(refused('backend/unknown'));
    await expect(anywhere('fill-mask', '/some/path')).rejects.toThrow(/imglish\/node/);
    const classify = await pipeline('image-classification', model, { device: 'cpu' });
    await expect(classify(path, { topk: 1 } as never)).rejects.toThrow(/nearest: "top_k"/);
    await expect(classify(path, { top_k: 0 })).rejects.toEqual(refused('config/invalid-value'));
    await classify.dispose();
  });

  it('reads a model from disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'imglish-'));
    const memory = await tinyModel('imageClassification', ['cat', 'dog']);
    const directory = fileDirectory(folder);
    for (const name of ['config.json', 'preprocessor_config.json', 'model.safetensors']) {
      const source = await memory.open(name);
      const sink = await directory.create(name);
      await sink.write(await source.read(0, source.size));
      await sink.close();
    }
    const classify = await pipeline('image-classification', folder);
    expect(await classify(path)).toHaveLength(2);
    await classify.dispose();
    rmSync(folder, { recursive: true });
  });
});
