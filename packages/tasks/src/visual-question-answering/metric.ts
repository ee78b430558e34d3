import { DataError, type VqaExample } from '@imglish/core';
import { vqaAccuracy } from '../metrics/vqa-accuracy.js';
import { answerScores, vqaScore } from '../metrics/vqa-score.js';
import type { Metrics } from '../task.js';
import type { ScoredAnswer } from './predict.js';

/** What people answered, and what kind of question it was. */
export interface AnswerReference {
  readonly id: string;
  readonly answers: readonly string[];
  readonly kind?: string | undefined;
}

export function reference({ id, answers, kind }: VqaExample): AnswerReference {
  if (answers) return { id, answers, kind };
  throw new DataError({
    code: 'data/no-answers',
    where: 'visualQuestionAnswering.reference',
    expected: 'questions with their answers, to score predictions',
    got: `none for the question ${JSON.stringify(id)}`,
    fix: 'The answers of test splits are kept secret: write a submission instead.',
  });
}

/**
 * `accuracy` is the official one (vqaEval.py), `score` what the reference validates by; both 0 … 1. Then
 * the accuracy of each kind of question.
 */
export function metric(
  predictions: readonly ScoredAnswer[][],
  references: readonly AnswerReference[],
): Metrics {
  const best = predictions.map((answers) => answers[0]!.answer);
  const { overall, byKind } = vqaAccuracy(
    references.map(({ answers, kind }, i) => ({
      answer: best[i]!,
      answers,
      ...(kind === undefined ? {} : { kind }),
    })),
  );
  const score = vqaScore(
    best,
    references.map(({ answers }) => answerScores(answers)),
  );
  return { accuracy: overall, score, ...byKind };
}

/** The most frequent answer. */
export function guess(references: readonly AnswerReference[]): ScoredAnswer[] {
  const totals = new Map<string, number>();
  for (const { answers } of references) {
    for (const [answer, score] of answerScores(answers)) {
      totals.set(answer, (totals.get(answer) ?? 0) + score);
    }
  }
  const best = [...totals].reduce((a, b) => (b[1] > a[1] ? b : a));
  return [{ answer: best[0], score: best[1] / references.length }];
}

/** Of answers drawn at random from the vocabulary. */
export function chance(references: readonly AnswerReference[], labels: readonly string[]): Metrics {
  const known = new Set(labels);
  const expected = references.map(({ answers }) => {
    const scores = [...answerScores(answers)].filter(([answer]) => known.has(answer));
    return scores.reduce((sum, [, score]) => sum + score, 0) / labels.length;
  });
  return { score: expected.reduce((sum, score) => sum + score, 0) / references.length };
}
