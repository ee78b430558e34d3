import type { Dataset, TextExample } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../packages.js';
import { emojiCorpus } from './emoji-corpus.js';
import { isInsulting, loadGlosses, parseGloss } from './wordnet.js';

const all = (dataset: Dataset<TextExample>): Promise<TextExample[]> =>
  Promise.all(Array.from({ length: dataset.size }, (_, index) => dataset.get(index)));

describe('WordNet', () => {
  it('has 117,791 glosses', async () => {
    const glosses = await loadGlosses();
    expect(glosses.length).toBe(117_791);
    expect(new Set(glosses.map(({ id }) => id)).size).toBe(117_791);
    expect(glosses.every(({ word, gloss }) => word !== '' && gloss !== '')).toBe(true);
    const words = glosses.reduce((sum, { gloss }) => sum + gloss.split(/\s+/).length, 0);
    expect(Math.abs(words / 1.47e6 - 1)).toBeLessThan(0.01);
    expect(glosses.filter(isInsulting).length).toBeGreaterThan(100);
  });

  it('is read line by line', () => {
    expect(
      parseGloss('00001740 03 n 01 red_apple 0 001 @ 1 n 0000 | a fruit; "eat | it"  ', 'n'),
    ).toEqual({
      id: 'n/00001740',
      word: 'red apple',
      gloss: 'a fruit; "eat | it"',
    });
    expect(parseGloss('00003700 00 s 01 outer(a) 0 000 | being outside', 'a')?.word).toBe('outer');
    expect(parseGloss('  1 This software | and database', 'n')).toBeUndefined();
    expect(parseGloss('', 'n')).toBeUndefined();
  });
});

describe('emojiCorpus', () => {
  it('has captions of the split and as many glosses as asked for', async () => {
    const texts = await all(await emojiCorpus({ glosses: 500 }));
    const captions = texts.filter(({ id }) => id.startsWith('caption/'));
    const train = (await loadCatalogue()).filter(({ split }) => split === 'train');
    expect(captions.length).toBe(train.length * 5);
    expect(texts.length - captions.length).toBe(500);
    expect(new Set(texts.map(({ id }) => id)).size).toBe(texts.length);
    expect(texts.every(({ text }) => text.length > 2)).toBe(true);
    const ids = new Set(train.map(({ id }) => id));
    expect(captions.every(({ id }) => ids.has(id.split('/')[1]!))).toBe(true);
  });

  it('is the same each time; a larger choice of glosses contains a smaller one', async () => {
    const few = await all(await emojiCorpus({ glosses: 20 }));
    expect(await all(await emojiCorpus({ glosses: 20 }))).toEqual(few);
    const more = await all(await emojiCorpus({ glosses: 40 }));
    expect(more.slice(0, few.length)).toEqual(few);
    const other = await all(await emojiCorpus({ glosses: 20, seed: 1 }));
    expect(other.at(-1)).not.toEqual(few.at(-1));
  });

  it('speaks Chinese', async () => {
    const texts = await all(await emojiCorpus({ glosses: 0, languages: ['zh'], split: 'all' }));
    expect(texts.length).toBe(1914 * 5);
    expect(texts.every(({ text }) => /\p{Script=Han}/u.test(text))).toBe(true);
  });

  it('refuses what cannot be', async () => {
    const code = 'config/option';
    await expect(emojiCorpus({ glosses: -1 })).rejects.toMatchObject({ code });
    await expect(emojiCorpus({ glosses: 1e6 })).rejects.toMatchObject({ code });
    await expect(emojiCorpus({ captions: 99 })).rejects.toMatchObject({ code });
    await expect(emojiCorpus({ split: 'x' as 'all' })).rejects.toMatchObject({ code });
  });
});
