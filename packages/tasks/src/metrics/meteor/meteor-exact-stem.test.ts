import { readFileSync } from 'node:fs';
import { DataError } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { captionMetrics, type ReferencedCaption } from '../caption-metrics.js';
import { meteorExactStem } from './meteor-exact-stem.js';
import { normalizeForMeteor } from './normalize.js';

interface Reference {
  /** Of the captions of `captions.json`. */
  few: number;
  eachOfFew: number[];
  /** Captions in words, joined with spaces. */
  random: ReferencedCaption[];
  ofRandom: number;
  eachOfRandom: number[];
}

function read<T>(name: string): T {
  const url = new URL(`../../../test/metrics/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as T;
}

const reference = read<Reference>('meteor.json');
const { captions } = read<{ captions: ReferencedCaption[] }>('captions.json');
const words = (line: string) => line.split(' ');
const random = reference.random.map(({ caption, references }) => ({
  caption: words(caption),
  references: references.map(words),
}));

describe('meteorExactStem', () => {
  it('gives what METEOR 1.5 gives with these matchers, for every caption', () => {
    random.forEach((caption, i) => {
      expect(meteorExactStem([caption])).toBeCloseTo(reference.eachOfRandom[i]!, 12);
    });
    captions.forEach((caption, i) => {
      expect(captionMetrics([caption]).meteorExactStem).toBeCloseTo(reference.eachOfFew[i]!, 12);
    });
  });

  it('gives what METEOR gives for a corpus, which is not the mean', () => {
    expect(meteorExactStem(random)).toBeCloseTo(reference.ofRandom, 12);
    expect(captionMetrics(captions).meteorExactStem).toBeCloseTo(reference.few, 12);
  });

  it('is by its formula', () => {
    // One chunk of three matched words, of which "a" is a function word and "sleeps" has the stem alone.
    const precision = (0.25 + 0.75 + 0.6 * 0.75) / (0.25 + 0.75 + 0.75);
    const recall = (0.25 + 0.75 + 0.6 * 0.75) / (0.25 + 3 * 0.75);
    const mean = 1 / (0.15 / precision + 0.85 / recall);
    const pair = { caption: words('a dog sleeps'), references: [words('a dog sleeping outside')] };
    expect(meteorExactStem([pair])).toBeCloseTo(mean * (1 - 0.6 * (1 / 3) ** 0.2), 14);
  });

  it('is 1 for the caption that people wrote and 0 without a word of theirs', () => {
    const references = [words('two dogs'), words('a cat')];
    expect(meteorExactStem([{ caption: words('a cat'), references }])).toBe(1);
    expect(meteorExactStem([{ caption: words('zebras graze'), references }])).toBe(0);
    expect(meteorExactStem([{ caption: [], references }])).toBe(0);
  });

  it('refuses captions without references, and none at all', () => {
    expect(() => meteorExactStem([])).toThrow(DataError);
    expect(() => meteorExactStem([{ caption: ['dog'], references: [] }])).toThrow(
      expect.objectContaining({ code: 'data/no-references' }),
    );
  });
});

describe('normalizeForMeteor', () => {
  it.each([
    ["a dog 's t-shirt", "a dog ' s t shirt"],
    ["it does n't o'clock", "it does n 't o 'clock"],
    ['u.s. st. louis p.m.', 'us st. louis pm'],
    ['near st.', 'near st .'],
    ['cats vs. dogs vs.', 'cats vs. dogs vs.'],
    ['pp. 3 pp.', 'pp. 3 pp .'],
    ['1,000 a,b 3.5 1/2 5,x', '1,000 a , b 3.5 1 / 2 5 , x'],
    ['wait.... what', 'wait .... what'],
    ["“x” ''y'' `z`", `" x " " y " ' z '`],
    ["the 90's – rock--roll", "the 90 's - rock roll"],
  ])('%s', (tokens, normal) => {
    expect(normalizeForMeteor(words(tokens)).join(' ')).toBe(normal);
  });
});
