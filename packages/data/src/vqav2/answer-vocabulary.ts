import { answerScore, ConfigError } from '@imglish/core';
import { fieldsOf } from '../records/fields.js';
import { recordError, throwProblem } from '../records/record-error.js';
import { jsonLines } from '../records/text-lines.js';

/** Name of the file that holds the vocabulary of answers, in the root of a data set. */
export const ANSWER_FILE = 'answer2label.txt';

export { answerScore };

/** The answers of a question that the vocabulary has, as indices, and their scores. */
export interface AnswerTargets {
  readonly labels: readonly number[];
  readonly scores: readonly number[];
}

/**
 * The targets of a question: answers are looked up as they were written, as the reference does
 * (beit3/datasets.py), in the order in which they first occur.
 */
export function answerTargets(
  answers: readonly string[],
  vocabulary: ReadonlyMap<string, number>,
): AnswerTargets {
  const counts = new Map<number, number>();
  for (const answer of answers) {
    const label = vocabulary.get(answer);
    if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return { labels: [...counts.keys()], scores: [...counts.values()].map(answerScore) };
}

/**
 * The vocabulary of answers: those that most people gave to at least `leastCount` questions, after
 * `normalize`, in the order in which they first occur. VQAv2's, of train and val with 9, has 3,129.
 */
export async function answerVocabulary(
  majority: AsyncIterable<string>,
  normalize: (answer: string) => string,
  leastCount = 9,
): Promise<string[]> {
  if (!Number.isSafeInteger(leastCount) || leastCount < 1) {
    throw new ConfigError({
      code: 'config/option',
      where: 'answerVocabulary',
      expected: 'leastCount to be a whole number of at least 1',
      got: String(leastCount),
    });
  }
  const counts = new Map<string, number>();
  for await (const answer of majority) {
    const normal = normalize(answer);
    counts.set(normal, (counts.get(normal) ?? 0) + 1);
  }
  return [...counts].flatMap(([answer, count]) => (count >= leastCount ? [answer] : []));
}

/** The lines of `answer2label.txt`, byte for byte as the reference writes them. */
export function formatAnswerVocabulary(answers: readonly string[]): string {
  return answers
    .map((answer, label) => `{"answer": ${asciiJson(answer)}, "label": ${label}}\n`)
    .join('');
}

/** Reads `answer2label.txt`; throws a `DataError` with the number of a line that does not fit. */
export async function parseAnswerVocabulary(
  pieces: AsyncIterable<Uint8Array>,
  name: string = ANSWER_FILE,
): Promise<string[]> {
  const answers: string[] = [];
  const seen = new Set<string>();
  for await (const { value, place } of jsonLines(pieces, name, throwProblem)) {
    const fields = fieldsOf(value, place);
    const label = Number(fields.id('label'));
    // An answer may be the empty text: what is left of "a" after normalising.
    const answer = fields.raw('answer');
    if (typeof answer !== 'string' || label !== answers.length || seen.has(answer)) {
      const expected = `{"answer": "…", "label": ${answers.length}}, each answer once`;
      throw recordError('bad-record', place, expected, JSON.stringify(value));
    }
    seen.add(answer);
    answers.push(answer);
  }
  return answers;
}

/** JSON with everything beyond ASCII escaped, as Python writes it. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007f-\uffff]/g, (unit) =>
    unit === '\u007f' ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
