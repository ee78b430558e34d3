import '@tensorflow/tfjs-backend-cpu';
import type { Dataset, ErrorDetails } from '@imglish/core';
import { defaultPreprocessor } from '@imglish/tokenizers';
import { memory, type Tensor } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import {
  codesOf,
  datasetOf,
  PATCHES,
  toyBatchOptions,
  toyConfig,
  toyImages,
  toyPairs,
  toyTexts,
  toyTextTokenizer,
  toyVisualTokenizer,
} from '../../test/toy.js';
import type { MaskedSlots, MaskedStream } from '../objectives/masked-data-modelling.js';
import { disposeBatch } from './dispose-batch.js';
import { wordSlots } from './masked-example.js';
import {
  type PretrainBatch,
  type PretrainBatchOptions,
  pretrainBatches,
} from './pretrain-batches.js';

const made: PretrainBatch[] = [];
afterAll(() => made.forEach(disposeBatch));

async function batchOf(changes: Partial<PretrainBatchOptions> = {}, index = 0) {
  const batch = await pretrainBatches(toyBatchOptions(changes))(index);
  made.push(batch);
  return batch;
}

const rowsOf = (tensor: Tensor | undefined): number[][] => {
  const values = Array.from(tensor!.dataSync());
  const width = values.length / tensor!.shape[0]!;
  return Array.from({ length: tensor!.shape[0]! }, (_, row) =>
    values.slice(row * width, (row + 1) * width),
  );
};

/** The real slots, sample by sample, with positions inside the sample. */
function slotsBySample(slots: MaskedSlots, samples: number, length: number) {
  const [positions, labels, weights] = [slots.positions, slots.labels, slots.weights].map((t) =>
    Array.from(t.dataSync()),
  ) as [number[], number[], number[]];
  const bySample = Array.from({ length: samples }, () => new Map<number, number>());
  weights.forEach((weight, slot) => {
    if (weight === 1) {
      const sample = Math.floor(positions[slot]! / length);
      bySample[sample]!.set(positions[slot]! % length, labels[slot]!);
    }
  });
  return { bySample, weights };
}

/** Everything in a batch, as plain numbers. */
function contentOf(batch: PretrainBatch): unknown {
  const plain = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if ('dataSync' in value) return Array.from((value as Tensor).dataSync());
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  };
  return plain(batch);
}

describe('masked words', () => {
  const tokenizer = toyTextTokenizer();
  const texts = toyTexts(12);
  const cases = [
    ['a text alone', 'text', 0.15, 20, { text: 24, image: 0, pair: 0 }],
    ['the text of a pair', 'pair', 0.5, 12, { text: 0, image: 0, pair: 24 }],
  ] as const;

  it.each(cases)('are the promised share of %s', async (_, stream, ratio, length, mix) => {
    const { [stream]: masked } = await batchOf({
      mix,
      texts: datasetOf(texts),
      pairs: datasetOf(
        texts.map(({ id, text }, i) => ({ ...toyPairs(i + 1)[i]!, id, captions: [text] })),
      ),
    });
    const { inputs, words } = masked as MaskedStream & { words: MaskedSlots };
    const ids = rowsOf(inputs.textIds);
    const padding = rowsOf(inputs.paddingMask);
    const slotsEach = wordSlots(length, ratio);
    const { bySample, weights } = slotsBySample(words, 24, length);
    expect(weights.length).toBe(24 * slotsEach);
    const known = new Set(
      texts.map(({ text }) => [...tokenizer.encodeForModel(text, length).ids].join(' ')),
    );
    const lengths = new Set<number>();
    bySample.forEach((slots, sample) => {
      const n = padding[sample]!.filter((p) => p === 0).length;
      lengths.add(n);
      expect(slots.size).toBe(Math.max(1, Math.min(Math.floor(n * ratio + 0.5), n - 1)));
      // <s> is never masked, padding neither.
      for (const position of slots.keys()) {
        expect(position).toBeGreaterThanOrEqual(1);
        expect(position).toBeLessThan(n);
      }
      // With the labels put back, every row is one of the texts: nothing else was changed.
      const restored = ids[sample]!.map((id, i) => slots.get(i) ?? id);
      expect(known).toContain(restored.join(' '));
      ids[sample]!.forEach((id, i) => {
        if (id === tokenizer.maskId) expect(slots.has(i)).toBe(true);
      });
    });
    expect(lengths.size).toBeGreaterThan(2);
    const total = bySample.reduce((sum, slots) => sum + slots.size, 0);
    expect(words.count).toBe(total);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(total);
  });
});

describe('masked patches', () => {
  it.each(['image', 'pair'] as const)(
    'are exactly 40 %% of the %s, labelled by their codes',
    async (stream) => {
      const mix = { text: 0, image: 0, pair: 0, [stream]: 8 };
      const images = toyImages(8);
      const pairs = images.map(({ id, image }) => ({ id, image, captions: ['red above red'] }));
      const { [stream]: masked } = await batchOf({
        mix,
        images: datasetOf(images),
        pairs: datasetOf(pairs),
      });
      const { inputs, patches } = masked as MaskedStream & { patches: MaskedSlots };
      const masks = rowsOf(inputs.imageMask);
      const { bySample } = slotsBySample(patches, 8, PATCHES);
      expect(patches.count).toBe(8 * 6); // round(0.4 · 16) = 6
      expect(patches.positions.shape).toEqual([8 * 6]);
      const codes = Array.from({ length: 8 }, (_, i) => codesOf(i));
      const seen = new Set<number>();
      bySample.forEach((slots, sample) => {
        expect(masks[sample]!.filter((m) => m === 1).length).toBe(6);
        expect(masks[sample]!.filter((m) => m === 0).length).toBe(10);
        expect(masks[sample]!.map((m, i) => (m ? i : -1)).filter((i) => i >= 0)).toEqual([
          ...slots.keys(),
        ]);
        const of = codes.findIndex((own) => [...slots].every(([i, label]) => own[i] === label));
        expect(of).toBeGreaterThanOrEqual(0);
        seen.add(of);
      });
      expect(seen.size).toBe(8);
    },
  );
});

describe('a batch', () => {
  const all = { config: toyConfig({ dropPathRate: 0.3 }) };

  it('is the same whenever it is asked for, and another for another index or seed', async () => {
    const source = pretrainBatches(toyBatchOptions(all));
    const first = contentOf(await batchOf(all, 0));
    const third = contentOf(await batchOf(all, 2));
    for (const [index, expected] of [
      [2, third],
      [0, first],
      [2, third],
    ] as const) {
      const batch = await source(index);
      made.push(batch);
      expect(contentOf(batch)).toEqual(expected);
    }
    expect(third).not.toEqual(first);
    expect(contentOf(await batchOf({ ...all, seed: 2 }, 0))).not.toEqual(first);
  });

  it('draws drop paths [layers, 2, B] where the model has a rate, and only there', async () => {
    const { text, image, pair } = await batchOf({ ...all, mix: { text: 9, image: 8, pair: 7 } });
    for (const [stream, samples] of [
      [text!, 9],
      [image!, 8],
      [pair!, 7],
    ] as const) {
      expect(stream.dropPath!.shape).toEqual([2, 2, samples]);
      const [first, last] = rowsOf(stream.dropPath);
      expect(new Set(first)).toEqual(new Set([1]));
      const kept = Math.fround(1 / 0.7);
      expect(last!.every((factor) => factor === 0 || factor === kept)).toBe(true);
    }
    expect(rowsOf(text!.dropPath)[1]!.slice(0, 7)).not.toEqual(
      rowsOf(pair!.dropPath)[1]!.slice(0, 7),
    );
    expect((await batchOf()).text!.dropPath).toBeUndefined();
  });

  it('masks every sample in its own way, in each epoch anew', async () => {
    const one = { texts: datasetOf([toyTexts(6)[5]!]), images: datasetOf(toyImages(1)) };
    const options = { ...one, pairs: datasetOf(toyPairs(1)), mix: { text: 8, image: 8, pair: 8 } };
    const { text, image, pair } = await batchOf(options); // Of one example each, eight times.
    const ways = (slots: MaskedSlots, length: number) => {
      const { bySample } = slotsBySample(slots, 8, length);
      return new Set(bySample.map((of) => [...of.keys()].join())).size;
    };
    expect(ways(text!.words, 20)).toBeGreaterThan(4);
    expect(ways(image!.patches, PATCHES)).toBeGreaterThan(4);
    expect(ways(pair!.patches, PATCHES)).toBeGreaterThan(4);
    expect(ways(pair!.words, 12)).toBeGreaterThan(2); // Three of four words: four ways.
    expect(rowsOf(image!.inputs.imageMask)).not.toEqual(rowsOf(pair!.inputs.imageMask));
  });

  it('is two of half the size: every sample is drawn by its number', async () => {
    const whole = await batchOf({ ...all, mix: { text: 4, image: 2, pair: 4 } }, 1);
    const halves = [2, 3].map((index) =>
      batchOf({ ...all, mix: { text: 2, image: 1, pair: 2 } }, index),
    );
    const [a, b] = (await Promise.all(halves)) as [PretrainBatch, PretrainBatch];
    for (const stream of ['text', 'image', 'pair'] as const) {
      const of = (batch: PretrainBatch) => batch[stream]!.inputs;
      for (const key of ['textIds', 'paddingMask', 'imageMask'] as const) {
        const rows = (batch: PretrainBatch) => (of(batch)[key] ? rowsOf(of(batch)[key]) : []);
        expect([...rows(a), ...rows(b)]).toEqual(rows(whole));
      }
      const dropped = (batch: PretrainBatch, sample: number) =>
        Array.from({ length: 4 }, (_, i) => {
          const { dropPath } = batch[stream]!;
          return dropPath!.dataSync()[i * dropPath!.shape[2] + sample];
        });
      const last = whole[stream]!.dropPath!.shape[2] - 1;
      expect(dropped(whole, last)).toEqual(dropped(b, (last + 1) / 2 - 1));
    }
  });

  it('asks for every example once an epoch', async () => {
    const asked: Record<string, number[]> = { texts: [], images: [], pairs: [] };
    const watched = <T>(name: string, dataset: Dataset<T>): Dataset<T> => ({
      size: dataset.size,
      get: (index) => {
        asked[name]!.push(index);
        return dataset.get(index);
      },
    });
    const options = toyBatchOptions({ mix: { text: 2, image: 2, pair: 2 } });
    const source = pretrainBatches({
      ...options,
      texts: watched('texts', datasetOf(toyTexts(6))),
      images: watched('images', datasetOf(toyImages(4))),
      pairs: watched('pairs', datasetOf(toyPairs(3))),
    });
    for (let index = 0; index < 6; index++) made.push(await source(index)); // 12 samples of each
    for (const [name, size] of [
      ['texts', 6],
      ['images', 4],
      ['pairs', 3],
    ] as const) {
      for (let epoch = 0; epoch < 12 / size; epoch++) {
        const visited = asked[name]!.slice(epoch * size, (epoch + 1) * size);
        expect([...visited].sort()).toEqual(Array.from({ length: size }, (_, i) => i));
      }
    }
  });

  it('takes each caption of a pair now and then', async () => {
    const pairs = datasetOf([
      { ...toyPairs(1)[0]!, captions: ['red above red', 'blue above red'] },
    ]);
    const { pair } = await batchOf({ mix: { text: 0, image: 0, pair: 32 }, pairs });
    const { bySample } = slotsBySample(pair!.words, 32, 12);
    const tokenizer = toyTextTokenizer();
    const restored = rowsOf(pair!.inputs.textIds).map((row, i) =>
      tokenizer.decode(row.map((id, at) => bySample[i]!.get(at) ?? id)),
    );
    expect(new Set(restored)).toEqual(new Set(['red above red', 'blue above red']));
  });

  it('leaves out streams that the mix does not have', async () => {
    const batch = await batchOf({ mix: { text: 0, image: 3, pair: 0 }, texts: datasetOf([]) });
    expect(Object.keys(batch).sort()).toEqual(['image', 'size']);
    expect(batch.size).toBe(3);
  });
});

describe('pretrainBatches refuses', () => {
  const code = (code: string): ErrorDetails => expect.objectContaining({ code });

  it.each([
    ['no samples', { mix: { text: 0, image: 0, pair: 0 } }],
    ['half samples', { mix: { text: 0.5, image: 0, pair: 0 } }],
    ['no texts', { texts: datasetOf([]) }],
    ['no images', { images: datasetOf([]) }],
    ['no pairs', { pairs: datasetOf([]) }],
    ['texts beyond the positions', { maxTextLength: 33 }],
    ['captions too short for a word', { maxCaptionLength: 2 }],
    ['ratios above 1', { ratios: { text: 1.5, image: 0.4, pairText: 0.5 } }],
    ['ratios that mask no patch', { ratios: { text: 0.15, image: 0.01, pairText: 0.5 } }],
  ] as const)('%s', (_, changes) => {
    const refused = () =>
      pretrainBatches(toyBatchOptions(changes as Partial<PretrainBatchOptions>));
    expect(refused).toThrow(code('config/pretrain-batches'));
  });

  it('a tokenizer with more ids than the model has rows', () => {
    const config = toyConfig({ vocabularySize: toyTextTokenizer().vocabSize - 1 });
    expect(() => pretrainBatches(toyBatchOptions({ config }))).toThrow(
      code('config/vocabulary-size'),
    );
  });

  it('visual codes on another grid than the model has', () => {
    const visualTokenizer = toyVisualTokenizer(4);
    expect(() => pretrainBatches(toyBatchOptions({ visualTokenizer }))).toThrow(
      code('config/visual-grid'),
    );
  });

  it('images of another size, pairs without captions, empty texts; nothing is left behind', async () => {
    const before = memory().numTensors;
    const pairs = datasetOf([{ ...toyPairs(1)[0]!, captions: [] }]);
    for (const [changes, expected] of [
      [{ preprocessor: defaultPreprocessor(16) }, 'config/image-size'],
      [{ pairs }, 'data/no-captions'],
      [{ pairs: datasetOf([{ ...toyPairs(1)[0]!, captions: [' '] }]) }, 'tokenizer/empty-text'],
    ] as const) {
      await expect(pretrainBatches(toyBatchOptions(changes))(0)).rejects.toThrow(code(expected));
    }
    expect(memory().numTensors).toBe(before);
  });
});
