import type { Question } from './questions.js';

/** What of a question counts here. */
export type Asked = Pick<Question, 'kind' | 'question' | 'answer'>;

/** Shares of questions answered rightly without a look at the picture. */
export interface QuestionPrior {
  /** By the answer most frequent for these very words in training, else for this kind. */
  readonly all: number;
  readonly byKind: Readonly<Record<string, { questions: number; prior: number }>>;
}

/**
 * How far one gets by the questions alone: to each the answer that was most frequent in `fit` for the
 * same words or, if these were never asked there, for the same kind. Low is good.
 */
export function questionPrior(fit: readonly Asked[], asked: readonly Asked[]): QuestionPrior {
  const counts = new Map<string, Map<string, number>>();
  for (const { kind, question, answer } of fit) {
    for (const key of [question, `kind ${kind}`]) {
      const answers = counts.get(key) ?? new Map<string, number>();
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      counts.set(key, answers);
    }
  }
  const guess = ({ kind, question }: Asked): string | undefined => {
    const answers = counts.get(question) ?? counts.get(`kind ${kind}`) ?? new Map();
    return [...answers].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0];
  };
  const byKind: Record<string, { questions: number; right: number }> = {};
  for (const each of asked) {
    byKind[each.kind] ??= { questions: 0, right: 0 };
    const entry = byKind[each.kind]!;
    entry.questions++;
    entry.right += Number(guess(each) === each.answer);
  }
  const right = Object.values(byKind).reduce((sum, entry) => sum + entry.right, 0);
  return {
    all: right / Math.max(1, asked.length),
    byKind: Object.fromEntries(
      Object.entries(byKind).map(([kind, entry]) => [
        kind,
        { questions: entry.questions, prior: entry.right / entry.questions },
      ]),
    ),
  };
}
