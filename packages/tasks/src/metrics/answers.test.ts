import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type JudgedStatement, nlvr2Accuracy } from './nlvr2-accuracy.js';
import { normalizeAnswer } from './normalize-answer.js';
import { topKAccuracy } from './top-k-accuracy.js';
import { type AnsweredQuestion, vqaAccuracy } from './vqa-accuracy.js';
import { answerScores, vqaScore } from './vqa-score.js';

function read<T>(name: string): T {
  const url = new URL(`../../test/metrics/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as T;
}

const answers = read<{
  questions: AnsweredQuestion[];
  overall: number;
  byKind: Record<string, number>;
  normalized: [string, string][];
}>('answers');
const { statements, accuracy, consistency } = read<{
  statements: JudgedStatement[];
  accuracy: number;
  consistency: number;
}>('statements');

describe('normalizeAnswer', () => {
  it.each(answers.normalized)('%s → %s', (word, normal) => {
    expect(normalizeAnswer(word)).toBe(normal);
  });

  it('splits words where Python does', () => {
    expect(normalizeAnswer('a\xa0dog\x85barks')).toBe('dog barks');
    expect(normalizeAnswer('\ufeffdog')).toBe('\ufeffdog');
  });
});

describe('vqaAccuracy', () => {
  it('gives what the official evaluation gives', () => {
    const { overall, byKind } = vqaAccuracy(answers.questions);
    expect(100 * overall).toBeCloseTo(answers.overall, 8);
    expect(Object.keys(byKind).sort()).toEqual(Object.keys(answers.byKind).sort());
    for (const [kind, value] of Object.entries(byKind))
      expect(100 * value).toBeCloseTo(answers.byKind[kind]!, 8);
  });

  it('leaves each person out once', () => {
    const people = [...Array(3).fill('dog'), ...Array(7).fill('cat')] as string[];
    // Each of the three sees two others: 3 · 2/3 + 7 · 1, of ten.
    expect(vqaAccuracy([{ answer: 'dog', answers: people }]).overall).toBeCloseTo(0.9, 12);
  });

  it('refuses none, and questions without answers', () => {
    const refused = (code: string) => expect.objectContaining({ code });
    expect(() => vqaAccuracy([])).toThrow(refused('data/metric-length'));
    expect(() => vqaAccuracy([{ answer: 'a', answers: [] }])).toThrow(refused('data/no-answers'));
  });
});

describe('vqaScore', () => {
  it('counts people who gave the answer, normalised', () => {
    const scores = answerScores([
      'Two',
      '2',
      'two',
      'a dog',
      'cat',
      'cat',
      'cat',
      'cat',
      'cat',
      'x',
    ]);
    expect([...scores]).toEqual([
      ['2', 0.9],
      ['dog', 0.3],
      ['cat', 1],
      ['x', 0.3],
    ]);
    expect(vqaScore(['2', 'bird'], [scores, scores])).toBeCloseTo(0.45, 12);
    expect(() => vqaScore(['2'], [])).toThrow(
      expect.objectContaining({ code: 'data/metric-length' }),
    );
  });
});

describe('nlvr2Accuracy', () => {
  it('gives what the official script gives', () => {
    const ours = nlvr2Accuracy(statements);
    expect(ours.accuracy).toBeCloseTo(accuracy, 12);
    expect(ours.consistency).toBeCloseTo(consistency, 12);
    expect(consistency).toBeGreaterThan(0);
  });

  it('refuses other identifiers, and none', () => {
    const other = [{ id: '7', prediction: true, label: true }];
    expect(() => nlvr2Accuracy(other)).toThrow(
      expect.objectContaining({ code: 'data/nlvr2-identifier' }),
    );
    expect(() => nlvr2Accuracy([])).toThrow(
      expect.objectContaining({ code: 'data/metric-length' }),
    );
  });
});

describe('topKAccuracy', () => {
  it('looks among the first k', () => {
    const rankings = [
      [3, 1, 2],
      [0, 2, 1],
    ];
    expect([1, 2, 3].map((k) => topKAccuracy(rankings, [1, 1], k))).toEqual([0, 0.5, 1]);
    expect(() => topKAccuracy(rankings, [1], 1)).toThrow(
      expect.objectContaining({ code: 'data/metric-length' }),
    );
  });
});
