import { answerScore } from '@imglish/core';
import { normalizeAnswer } from './normalize-answer.js';
import { checkSameLength, mean } from './same-length.js';

/** What is reported of a model is `vqaAccuracy`, not this. */
export { answerScore };

/** Each normalised answer to a question, in order of appearance, with its `answerScore`. */
export function answerScores(answers: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const answer of answers.map(normalizeAnswer))
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return new Map([...counts].map(([answer, count]) => [answer, answerScore(count)]));
}

/**
 * Mean score 0 … 1 of the answers given, which is what the reference validates by (utils.py,
 * `VQAScore`). Unlike `vqaAccuracy`, a person's answer is not left out, and what normalises to the
 * same answer counts as the same.
 *
 * @param scores For each question how right each answer is, as `answerScores` gives it.
 * @throws DataError `data/metric-length`.
 */
export function vqaScore<Answer>(
  answers: readonly Answer[],
  scores: readonly ReadonlyMap<Answer, number>[],
): number {
  checkSameLength('vqaScore', answers.length, scores.length);
  return mean(answers.map((answer, i) => scores[i]!.get(answer) ?? 0));
}
