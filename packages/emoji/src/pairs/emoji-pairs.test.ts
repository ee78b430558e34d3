import { createHash } from 'node:crypto';
import type { Dataset } from '@imglish/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { RENDER_TIMEOUT, testCacheDir } from '../../test/cache-dir.js';
import { backgroundOf, pastels } from '../render/backgrounds.js';
import { emojiStyles } from '../styles.js';
import {
  type EmojiExample,
  type EmojiPairsOptions,
  emojiPairs,
  emojiSplits,
} from './emoji-pairs.js';

const pairs = (options: EmojiPairsOptions = {}): Promise<Dataset<EmojiExample>> =>
  emojiPairs({ cacheDir: testCacheDir, ...options });
const all = (dataset: Dataset<EmojiExample>): Promise<EmojiExample[]> =>
  Promise.all(Array.from({ length: dataset.size }, (_, index) => dataset.get(index)));

let splits: Record<string, EmojiExample[]>;

beforeAll(async () => {
  splits = {};
  for (const split of emojiSplits) splits[split] = await all(await pairs({ split }));
}, RENDER_TIMEOUT);

const only = <K extends keyof EmojiExample>(split: string, key: K): Set<EmojiExample[K]> =>
  new Set(splits[split]!.map((example) => example[key]));
const clusters = (split: string): Set<string> =>
  new Set(splits[split]!.map(({ concept }) => concept.cluster));

describe('splits', () => {
  it('have the sizes that the documentation names', () => {
    const sizes = Object.fromEntries(emojiSplits.map((split) => [split, splits[split]!.length]));
    expect(sizes).toEqual({
      train: 4338,
      validation: 542,
      'unseen-concept': 601,
      'unseen-style': 1251,
      all: 7076,
    });
  });

  it('share no cluster and no picture', () => {
    const [train, validation, test] = ['train', 'validation', 'unseen-concept'].map(clusters);
    expect([...train!].filter((cluster) => validation!.has(cluster) || test!.has(cluster))).toEqual(
      [],
    );
    expect([...validation!].filter((cluster) => test!.has(cluster))).toEqual([]);
    expect([...clusters('unseen-style')].filter((cluster) => !train!.has(cluster))).toEqual([]);

    const pixels = (split: string): Set<string> =>
      new Set(
        splits[split]!.map(({ image }) => createHash('sha256').update(image.data).digest('hex')),
      );
    const seen = pixels('train');
    for (const split of ['validation', 'unseen-concept', 'unseen-style']) {
      expect(
        [...pixels(split)].filter((picture) => seen.has(picture)),
        split,
      ).toEqual([]);
    }
  });

  it('hold out one style', async () => {
    expect([...only('unseen-style', 'style')]).toEqual(['fluent-emoji-flat']);
    for (const split of ['train', 'validation', 'unseen-concept']) {
      expect([...only(split, 'style')]).toEqual(['noto', 'twemoji', 'openmoji']);
    }
    const other = await pairs({ split: 'unseen-style', heldOutStyle: 'noto' });
    expect((await other.get(0)).style).toBe('noto');
  });

  it('can leave out styles that ask to share alike', async () => {
    const free = await all(await pairs({ split: 'all', shareAlike: false }));
    expect([...new Set(free.map(({ style }) => style))]).toEqual([
      'noto',
      'twemoji',
      'fluent-emoji-flat',
    ]);
    const asked = pairs({ styles: ['openmoji'], shareAlike: false });
    await expect(asked).rejects.toThrow('share-alike ones left out');
    const heldOut = pairs({ split: 'unseen-style', heldOutStyle: 'openmoji', shareAlike: false });
    await expect(heldOut).rejects.toMatchObject({ code: 'config/option' });
  });
});

describe('examples', () => {
  it('are the same however often they are asked for, and change with the seed in words only', async () => {
    const [again, other] = [await pairs(), await pairs({ seed: 1 })];
    for (const index of [0, 1000, again.size - 1]) {
      expect(await again.get(index)).toEqual(splits.train![index]);
      const seeded = await other.get(index);
      expect(seeded.image).toEqual(splits.train![index]!.image);
      expect(seeded.captions).not.toEqual(splits.train![index]!.captions);
    }
    await expect(again.get(again.size)).rejects.toMatchObject({ code: 'data/index' });
  });

  it(
    'are opaque pictures of the size asked for, with different captions',
    async () => {
      for (const { image, captions, id, style } of splits.all!) {
        expect(image.data.length).toBe(32 * 32 * 3);
        expect(new Set(captions).size).toBe(5);
        expect([...image.data.subarray(0, 3)]).toEqual([...backgroundOf(id).rgb]);
        expect(id.startsWith(`${style}/`)).toBe(true);
      }
      const large = await pairs({ size: 64, styles: ['twemoji'], groups: ['food-drink'] });
      expect((await large.get(0)).image).toMatchObject({ width: 64, height: 64 });
    },
    RENDER_TIMEOUT,
  );

  it('use every background about equally often, and name only the one they have', () => {
    const used = pastels.map(({ name }) => {
      const mine = splits.all!.filter(({ id }) => backgroundOf(id).name.en === name.en);
      const named = mine
        .flatMap(({ captions }) => captions)
        .filter((c) => c.includes('background'));
      expect(named.every((caption) => caption.includes(name.en))).toBe(true);
      expect(named.length).toBeGreaterThan(200);
      return mine.length / splits.all!.length;
    });
    for (const share of used) expect(Math.abs(share - 1 / 6)).toBeLessThan(0.02);
  });

  it('can be on white, of some groups, in Chinese', async () => {
    const dataset = await pairs({
      background: 'white',
      groups: ['food-drink'],
      languages: ['zh'],
      captions: 3,
      styles: [...emojiStyles],
    });
    const examples = await all(dataset);
    expect(examples.length).toBeGreaterThan(200);
    for (const { image, captions, concept } of examples) {
      expect([...image.data.subarray(0, 3)]).toEqual([255, 255, 255]);
      expect(concept.group).toBe('food-drink');
      expect(captions.length).toBe(3);
      expect(captions.every((caption) => /\p{Script=Han}/u.test(caption))).toBe(true);
      expect(captions.join()).not.toContain('背景');
    }
  });

  it('are refused where an option cannot be', async () => {
    const wrong: EmojiPairsOptions[] = [
      { split: 'test' as 'train' },
      { styles: ['apple' as 'noto'] },
      { styles: [] },
      { styles: ['noto'], heldOutStyle: 'noto' },
      { heldOutStyle: 'apple' as 'noto' },
      { groups: [] },
      { groups: ['food' as 'flags'] },
      { background: 'black' as 'white' },
      { captions: 0 },
      { size: 4 },
    ];
    for (const options of wrong) {
      await expect(pairs(options), JSON.stringify(options)).rejects.toMatchObject({
        code: 'config/option',
      });
    }
    const misspelt = { split: 'train', langauges: ['zh'] } as EmojiPairsOptions;
    await expect(pairs(misspelt)).rejects.toThrow('nearest: "languages"');
  });
});
