import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { SentencePiece, type TrainProgress, textTokenizer, trainUnigram } from '../index.js';

const nouns = ['man', 'woman', 'dog', 'cat', 'surfboard', 'skateboard', 'umbrella', 'elephant'];
const verbs = ['riding', 'holding', 'watching', 'painting', 'carrying'];
const random = draw(4, 'captions');
const pick = (words: string[]): string => words[random.integer(words.length)]!;
const captions = Array.from(
  { length: 600 },
  () => `A ${pick(nouns)} is ${pick(verbs)} a ${pick(nouns)} ${random.integer(100)}.`,
);

describe('trainUnigram', () => {
  it('gives exactly the size asked for, in a model that reads its texts', () => {
    for (const vocabSize of [60, 100]) {
      const steps: TrainProgress[] = [];
      const { spm, report } = trainUnigram(captions, {
        vocabSize,
        onProgress: (p) => steps.push(p),
      });
      const tokenizer = textTokenizer(spm);
      expect(tokenizer.vocabSize).toBe(vocabSize + 2);
      expect(report.steps).toEqual(steps);
      expect(report).toMatchObject({ texts: 600, skipped: 0 });
      for (const caption of captions) {
        const ids = tokenizer.encode(caption);
        expect(ids).not.toContain(tokenizer.unkId);
        expect(tokenizer.decode(ids)).toBe(caption);
      }
      const model = new SentencePiece(spm);
      for (let id = 4; id < model.size; id++) {
        expect(model.scoreOf(id)).toBeLessThanOrEqual(model.scoreOf(id - 1));
      }
    }
  });

  it('finds the words of the captions', () => {
    const tokenizer = textTokenizer(trainUnigram(captions, { vocabSize: 64 }).spm);
    for (const word of [...nouns, ...verbs]) {
      expect(tokenizer.pieceToId(`▁${word}`), word).toBeDefined();
    }
    expect(tokenizer.encode('a dog riding a surfboard')).toHaveLength(5);
  });

  it('gives the same bytes for the same texts in any order', () => {
    const train = (texts: string[]) => trainUnigram(texts, { vocabSize: 70 }).spm;
    const order = [...draw(9, 'order').permutation(captions.length)];
    expect(train(order.map((i) => captions[i]!))).toEqual(train(captions));
  });

  it('fits better from step to step while no candidate is dropped', () => {
    const { report } = trainUnigram(captions, { vocabSize: 90, subIterations: 4 });
    const last = report.steps.slice(-4);
    expect(last[3]!.objective).toBeLessThanOrEqual(last[0]!.objective);
    expect(report.steps[0]!.pieces).toBeGreaterThan(last[3]!.pieces);
  });

  it('normalises as told', () => {
    const texts = Array.from({ length: 20 }, () => 'ﬁsh ﬁsh');
    const options = { vocabSize: 7, characterCoverage: 1 };
    const plain = trainUnigram(texts, { ...options, normalization: 'identity' });
    expect(new SentencePiece(plain.spm).normalize('ﬁsh  x')).toBe('▁ﬁsh▁x');
    const nfkc = new SentencePiece(trainUnigram(texts, { ...options, vocabSize: 9 }).spm);
    expect(nfkc.normalize('ﬁsh  x')).toBe('▁fish▁x');
    expect(nfkc.encode('ﬁsh').map(({ piece }) => piece)).toEqual(['▁fish']);
  });

  it('obeys the longest piece and the coverage', () => {
    const { spm, report } = trainUnigram([...captions, 'ж'], {
      vocabSize: 60,
      maxPieceLength: 3,
      characterCoverage: 0.9999,
    });
    const model = new SentencePiece(spm);
    for (let id = 3; id < model.size; id++) {
      expect([...model.idToPiece(id)].length).toBeLessThanOrEqual(3);
    }
    expect(model.pieceToId('ж')).toBeUndefined();
    expect(report.alphabet).toBeGreaterThan(20);
  });

  it('refuses what cannot be', () => {
    const code = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        return (error as { code: string }).code;
      }
      return 'none';
    };
    const train = (options: object, texts = captions) =>
      code(() => trainUnigram(texts, { vocabSize: 60, ...options }));
    expect(train({})).toBe('none');
    expect(train({ vocabSize: 20 })).toBe('tokenizer/vocab-size');
    expect(train({ vocabSize: 5000 })).toBe('tokenizer/vocab-size');
    expect(train({ vocabSize: 5000, hardVocabLimit: false })).toBe('none');
    expect(train({}, [])).toBe('tokenizer/no-text');
    expect(train({}, ['', ' \u200b '])).toBe('tokenizer/no-text');
    for (const options of [
      { vocabSize: 3 },
      { vocabSize: 60.5 },
      { characterCoverage: 0 },
      { characterCoverage: 1.1 },
      { maxPieceLength: 0 },
      { seedSize: 10 },
      { shrinkingFactor: 0.4 },
      { subIterations: 0 },
      { maxTextBytes: 1 },
      { normalization: 'nfkc' },
      { vocabularySize: 60 },
    ]) {
      expect(train(options), JSON.stringify(options)).toBe('config/train-unigram');
    }
  });
});
