import { DataError } from '@imglish/core';
import { normalizeAnswer } from './normalize-answer.js';
import { checkSameLength, mean } from './same-length.js';

/** A question's answer beside what people said. */
export interface AnsweredQuestion {
  readonly answer: string;
  /** What people answered, ten of them in VQAv2, as they wrote it. */
  readonly answers: readonly string[];
  /** Such as `yes/no`. */
  readonly kind?: string;
}

/** Shares 0 … 1. */
export interface VqaAccuracy {
  readonly overall: number;
  /** By kind of question, where a kind is given. */
  readonly byKind: Readonly<Record<string, number>>;
}

/**
 * The official accuracy of VQA (vqaEval.py): each person is left out once, and the answer earns
 * min(1, n / 3) where n of the others gave it; the mean over people, then over questions.
 *
 * Answers are normalised as `normalizeAnswer` does only where not all people wrote the same; where
 * they did, the answer must be theirs to the letter.
 *
 * @throws DataError `data/metric-length` without questions, `data/no-answers` for one nobody answered.
 */
export function vqaAccuracy(questions: readonly AnsweredQuestion[]): VqaAccuracy {
  checkQuestions(questions);
  const byKind = new Map<string, number[]>();
  const all = questions.map((question) => {
    const accuracy = accuracyOf(question);
    if (question.kind !== undefined) {
      byKind.set(question.kind, [...(byKind.get(question.kind) ?? []), accuracy]);
    }
    return accuracy;
  });
  const kinds = [...byKind].map(([kind, accuracies]) => [kind, mean(accuracies)]);
  return { overall: mean(all), byKind: Object.fromEntries(kinds) };
}

function accuracyOf({ answer, answers }: AnsweredQuestion): number {
  let [given, ofPeople] = [oneLine(answer), answers.map(oneLine)];
  if (new Set(ofPeople).size > 1) {
    given = normalizeAnswer(given);
    ofPeople = ofPeople.map(normalizeAnswer);
  }
  const matching = ofPeople.filter((other) => other === given).length;
  return mean(ofPeople.map((own) => Math.min(1, (matching - (own === given ? 1 : 0)) / 3)));
}

function oneLine(text: string): string {
  return text.replace(/[\n\t]/g, ' ').trim();
}

function checkQuestions(questions: readonly AnsweredQuestion[]): void {
  const where = 'vqaAccuracy';
  checkSameLength(where, questions.length, questions.length);
  const unanswered = questions.findIndex(({ answers }) => answers.length === 0);
  if (unanswered < 0) return;
  throw new DataError({
    code: 'data/no-answers',
    where,
    expected: 'questions that people have answered',
    got: `none for question ${unanswered}`,
    fix: 'The answers of the test splits are secret: make a submission file of them.',
  });
}
