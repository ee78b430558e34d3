import { readFileSync } from 'node:fs';
import { DataError } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { bleu } from './bleu.js';
import { captionMetrics, type ReferencedCaption } from './caption-metrics.js';
import { ciderD } from './cider-d.js';
import { rougeL } from './rouge-l.js';
import { tokenizeCaption } from './tokenize-caption.js';

interface Reference {
  tokens: [string, string[]][];
  captions: ReferencedCaption[];
  bleu: [number, number, number, number];
  ciderD: number;
  rougeL: number;
}

const url = new URL('../../test/metrics/captions.json', import.meta.url);
const reference = JSON.parse(readFileSync(url, 'utf8')) as Reference;

describe('tokenizeCaption', () => {
  it.each(reference.tokens)('%s', (caption, tokens) => {
    expect(tokenizeCaption(caption)).toEqual(tokens);
  });

  it('gives no words for punctuation alone, and for nothing', () => {
    expect(tokenizeCaption(' ... ?')).toEqual([]);
    expect(tokenizeCaption('')).toEqual([]);
  });
});

describe('captionMetrics', () => {
  it('gives what the COCO caption tools give', () => {
    const scores = captionMetrics(reference.captions);
    const { bleu1, bleu2, bleu3, bleu4 } = scores;
    [bleu1, bleu2, bleu3, bleu4].forEach((score, i) => {
      expect(score).toBeCloseTo(reference.bleu[i]!, 12);
    });
    expect(scores.ciderD).toBeCloseTo(reference.ciderD, 12);
    expect(scores.rougeL).toBeCloseTo(reference.rougeL, 12);
  });

  it('is highest for a caption that people wrote', () => {
    const references = ['a dog on a sofa', 'a brown dog'];
    const other = { caption: 'two cats sleep outside', references: ['two cats sleep outside'] };
    const scores = captionMetrics([
      { caption: references[0]!, references: [references[0]!] },
      other,
    ]);
    expect(scores.bleu4).toBeCloseTo(1, 6);
    expect(scores.rougeL).toBeCloseTo(1, 12);
    expect(scores.ciderD).toBeCloseTo(10, 12);
    const worse = captionMetrics([
      { caption: references[1]!, references: [references[0]!] },
      other,
    ]);
    expect(worse.ciderD).toBeLessThan(scores.ciderD);
  });

  it('scores a caption without words with 0', () => {
    const scores = captionMetrics([{ caption: '.', references: ['a dog'] }]);
    expect(scores.rougeL).toBe(0);
    expect(scores.ciderD).toBe(0);
    expect(scores.bleu1).toBeCloseTo(0, 12);
  });

  it.each([bleu, ciderD, rougeL])(
    '%o refuses captions without references, and none at all',
    (metric) => {
      expect(() => metric([])).toThrow(DataError);
      expect(() => metric([{ caption: ['dog'], references: [] }])).toThrow(
        expect.objectContaining({ code: 'data/no-references' }),
      );
    },
  );
});
