import { readFileSync } from 'node:fs';
import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { SentencePiece, textTokenizer } from './index.js';

const bytes = new Uint8Array(
  readFileSync(
    new URL('../../../../fixtures/golden/tokenizer/tiny_unigram1000.spm', import.meta.url),
  ),
);
const model = new SentencePiece(bytes);
const tokenizer = textTokenizer(bytes);
const known = Array.from({ length: model.size }, (_, id) => model.idToPiece(id)).filter(
  (piece) => [...piece].length === 1 && piece !== '▁',
);
// What makes offsets hard: expansions, contractions, marks, removed and space-like characters, pairs.
const hard =
  ' |  |\t|\u3000|\u200b|\ufeff|\u0001|▁|ﬁ|㌔|ﷺ|Å|é|e\u0301|が|か\u3099|ｶﾞ|①|½|🦊|👩‍🚀|𝒳|\ud800|\udc00|<mask>|</s>|<unk>|猫'.split(
    '|',
  );

describe('textTokenizer', () => {
  it('decodes what it encoded to the normalised text', () => {
    const random = draw(1, 'round-trip');
    let compared = 0;
    for (let i = 0; i < 2000; i++) {
      const text = Array.from({ length: random.integer(30) }, () =>
        random.uniform() < 0.25 ? ' ' : known[random.integer(known.length)],
      ).join('');
      const ids = tokenizer.encode(text);
      // Two characters may compose to one that has no piece.
      if (ids.includes(tokenizer.unkId)) continue;
      compared++;
      const decoded = tokenizer.decode(ids, { cleanUp: false });
      expect(decoded).toBe(tokenizer.normalize(text).replaceAll('▁', ' ').trim());
    }
    expect(compared).toBeGreaterThan(1000);
  });

  it('gives offsets that cover the text from its first to its last visible character', () => {
    const random = draw(2, 'offsets');
    for (let i = 0; i < 4000; i++) {
      const from = random.uniform() < 0.7 ? hard : known;
      const text = Array.from(
        { length: 1 + random.integer(12) },
        () => (random.uniform() < 0.5 ? hard : from)[random.integer(from.length)] ?? 'a',
      ).join('');
      const pieces = tokenizer.encodeWithOffsets(text, { specialTokens: false });
      const label = JSON.stringify(text);
      if (pieces.length === 0) {
        expect(tokenizer.normalize(text), label).toBe('');
        continue;
      }
      const first = pieces[0]!.start;
      const last = pieces.at(-1)!.end;
      expect(pieces.map(({ start, end }) => text.slice(start, end)).join(''), label).toBe(
        text.slice(first, last),
      );
      for (const [n, { start }] of pieces.entries()) {
        if (n > 0) expect(start, label).toBe(pieces[n - 1]!.end);
      }
      expect(tokenizer.normalize(text.slice(0, first)), label).toBe('');
      expect(tokenizer.normalize(text.slice(last)), label).toBe('');
      expect(pieces.map(({ piece }) => piece).join('')).toBe(tokenizer.normalize(text));
    }
  });

  it('points at the characters behind each piece', () => {
    const text = '  The\u3000ﬁsh 🦊<mask> cat ';
    const spans = tokenizer
      .encodeWithOffsets(text)
      .map(({ piece, start, end }) => [piece, text.slice(start, end)]);
    expect(spans).toEqual([
      ['▁The', 'The'],
      ['▁fi', '\u3000ﬁ'],
      ['s', 's'],
      ['h', 'h'],
      ['▁', ' '],
      ['🦊', '🦊'],
      ['<mask>', '<mask>'],
      ['▁c', 'c'],
      ['at', 'at'],
    ]);
  });

  it('lets special tokens take the white space beside them, <mask> only that in front', () => {
    // U+0085 is white space that the normaliser of this model leaves in the text.
    const pieces = (text: string) => tokenizer.encodeWithOffsets(text).map(({ piece }) => piece);
    expect(pieces('a\u0085<mask>\u0085b')).toEqual(['▁a', '<mask>', '▁', '\u0085', 'b']);
    expect(pieces('a\u0085</s>\u0085b')).toEqual(['▁a', '</s>', '▁b']);
    expect(pieces('\u0085\u0085<s>\u0085<mask>')).toEqual(['<s>', '<mask>']);
    const [, , b] = tokenizer.encodeWithOffsets('a\u0085</s>\u0085b');
    expect([b!.start, b!.end]).toEqual([7, 8]);
  });

  it('takes special tokens for text where asked to', () => {
    expect(tokenizer.encode('a<mask>b')).toContain(tokenizer.maskId);
    const plain = tokenizer.encode('a<mask>b', { specialTokens: false });
    expect(plain).not.toContain(tokenizer.maskId);
    expect(plain).toEqual(model.encode('a<mask>b').map(({ id }) => (id === 0 ? 3 : id + 1)));
  });

  it('refuses ids of another vocabulary and texts without pieces', () => {
    const wrong = expect.objectContaining({ code: 'tokenizer/wrong-vocabulary' });
    for (const id of [-1, tokenizer.vocabSize, 64001, 1.5, Number.NaN]) {
      expect(() => tokenizer.decode([id])).toThrow(wrong);
      expect(() => tokenizer.idToPiece(id)).toThrow(wrong);
      expect(() => tokenizer.encodeForModel([5, 6, 7, 8, id], 4)).toThrow(wrong);
      expect(() => model.decode([id])).toThrow(wrong);
    }
    expect(() => tokenizer.decode([tokenizer.vocabSize])).toThrow(/wrong one/);
    const empty = expect.objectContaining({ code: 'tokenizer/empty-text' });
    for (const text of ['', '  ', '\u200b']) {
      expect(() => tokenizer.encodeForModel(text, 8)).toThrow(empty);
    }
    const short = expect.objectContaining({ code: 'tokenizer/max-length' });
    for (const n of [2, 0, 3.5]) expect(() => tokenizer.encodeForModel('a', n)).toThrow(short);
  });

  it('keeps special tokens in the text unless told to skip them', () => {
    const { ids } = tokenizer.encodeForModel('The cat', 8);
    expect(tokenizer.decode(ids)).toBe('The cat');
    expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(
      '<s> The cat</s><pad><pad><pad>',
    );
  });
});
