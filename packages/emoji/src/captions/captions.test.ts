import { beforeAll, describe, expect, it } from 'vitest';
import type { EmojiConcept } from '../catalogue/catalogue.js';
import { loadCatalogue } from '../packages.js';
import { pastels } from '../render/backgrounds.js';
import { emojiStyles } from '../styles.js';
import { captionsOf } from './captions.js';
import { chinesePhrase, colourOf, englishPhrase, withArticle } from './phrases.js';

let catalogue: EmojiConcept[];
beforeAll(async () => {
  catalogue = await loadCatalogue();
});
const concept = (label: string): EmojiConcept =>
  catalogue.find((candidate) => candidate.label.en === label)!;

describe('phrases', () => {
  const phrases: [label: string, phrase: string][] = [
    ['red apple', 'a red apple'],
    ['orange heart', 'an orange heart'],
    ['unicorn', 'a unicorn'],
    ['x-ray', 'an x-ray'],
    ['eyes', 'eyes'],
    ['glass of milk', 'a glass of milk'],
    ['grinning face with big eyes', 'a grinning face with big eyes'],
    ['octopus', 'an octopus'],
    ['man lifting weights', 'a man lifting weights'],
    ['men holding hands', 'men holding hands'],
    ['cooked rice', 'cooked rice'],
    ['leopard', 'a leopard'],
    ['no smoking', 'no smoking'],
    ['heart on fire', 'a heart on fire'],
    ['two o’clock', 'two o’clock'],
    ['flag: Germany', 'the flag of Germany'],
    ['keycap: 5', 'a key 5'],
    ['man: red hair', 'a man with red hair'],
    ['woman: bald', 'a bald woman'],
    ['person running: facing right', 'a person running facing right'],
    ['family: man, woman, boy', 'a family of man, woman and boy'],
    ['kiss: woman, man', 'a kiss between woman and man'],
  ];
  for (const [label, phrase] of phrases) {
    it(`${label} → ${phrase}`, () => expect(withArticle(englishPhrase(label))).toBe(phrase));
  }

  it('leave no pattern of labels behind', () => {
    for (const { label } of catalogue) {
      expect(englishPhrase(label.en)).not.toMatch(/: /);
      expect(chinesePhrase(label.zh)).not.toMatch(/[:：]/);
    }
    expect(chinesePhrase('旗: 德国')).toBe('德国旗');
    expect(chinesePhrase('男人: 红发')).toBe('红发的男人');
  });

  it('find colours that can be seen', () => {
    expect(colourOf('red apple')).toEqual({ en: 'red', zh: '红色', thing: 'apple' });
    expect(colourOf('light blue heart')).toMatchObject({ en: 'light blue', thing: 'heart' });
    expect(colourOf('large orange diamond')).toMatchObject({ thing: 'large diamond' });
    expect(colourOf('white cane')).toBeUndefined();
    expect(colourOf('man with white cane')).toBeUndefined();
    expect(catalogue.filter(({ label }) => colourOf(label.en)).length).toBeGreaterThan(50);
  });
});

describe('captionsOf', () => {
  it('is the same for the same arguments and varies with the seed and the style', () => {
    const apple = concept('red apple');
    const captions = captionsOf(apple, { style: 'noto' });
    expect(captionsOf(apple, { style: 'noto' })).toEqual(captions);
    expect(captionsOf(apple, { style: 'noto', seed: 1 })).not.toEqual(captions);
    expect(captionsOf(apple, { style: 'twemoji' })).not.toEqual(captions);
    expect(captions[0]).toBe('a red apple, fruit');
  });

  it('gives every concept different captions in each language, plain ones first', () => {
    for (const style of emojiStyles) {
      for (const one of catalogue) {
        const captions = captionsOf(one, { style, languages: ['en', 'zh'], count: 10 });
        expect(captions.length, captions.join()).toBe(10);
        expect(captions.filter((caption) => /\p{Script=Han}/u.test(caption)).length).toBe(5);
        for (const caption of captions) {
          expect(caption).toMatch(/\S/);
          expect(caption).not.toMatch(/undefined|null|\[|^\s|\s$/);
        }
        expect(captions[0]).toContain(englishPhrase(one.label.en));
        expect(captions[1]).toContain(chinesePhrase(one.label.zh));
      }
    }
  });

  it('names style, group, colour and background in some captions', () => {
    const background = pastels[3]!;
    const all = Array.from({ length: 40 }, (_, seed) =>
      captionsOf(concept('red apple'), { style: 'openmoji', background, seed }),
    ).flat();
    for (const words of ['an outlined drawing of', 'openmoji', 'food:', 'the apple is red']) {
      expect(
        all.some((caption) => caption.includes(words)),
        words,
      ).toBe(true);
    }
    expect(all.some((caption) => caption.includes('on a light blue background'))).toBe(true);
    const without = captionsOf(concept('red apple'), { style: 'openmoji', count: 5 });
    expect(without.join()).not.toContain('background');
  });

  it('refuses what cannot be', () => {
    const apple = concept('red apple');
    const style = 'noto';
    expect(() => captionsOf(apple, { style, count: 6 })).toThrow('1 … 5');
    expect(() => captionsOf(apple, { style, languages: ['en', 'zh'], count: 1 })).toThrow('2 … 10');
    expect(() => captionsOf(apple, { style, languages: [] })).toThrow('en, zh');
    expect(() => captionsOf(apple, { style, languages: ['fr' as 'en'] })).toThrow('fr');
  });
});
