import { DataError } from '@imglish/core';

export interface GivenAnswer {
  readonly questionId: number;
  readonly answer: string;
}

export interface GivenCaption {
  readonly imageId: number;
  readonly caption: string;
}

/**
 * The file that the VQA server takes, `[{"question_id": …, "answer": …}]`, in the order of the
 * questions.
 *
 * @param questionIds Every question of the split.
 * @throws DataError `data/submission` listing what is missing, unknown, given twice or empty.
 */
export function vqaSubmission(
  answers: readonly GivenAnswer[],
  questionIds: readonly number[],
): string {
  const texts = answers.map(({ questionId, answer }) => [questionId, answer] as const);
  const complete = checked('vqaSubmission', 'question', texts, questionIds);
  return JSON.stringify(complete.map(([question_id, answer]) => ({ question_id, answer })));
}

/**
 * The file that the servers of COCO captions and NoCaps take, `[{"image_id": …, "caption": …}]`, in
 * the order of the images.
 *
 * @param imageIds Every image of the split.
 * @throws DataError `data/submission` listing what is missing, unknown, given twice or empty.
 */
export function captionSubmission(
  captions: readonly GivenCaption[],
  imageIds: readonly number[],
): string {
  const texts = captions.map(({ imageId, caption }) => [imageId, caption] as const);
  const complete = checked('captionSubmission', 'image', texts, imageIds);
  return JSON.stringify(complete.map(([image_id, caption]) => ({ image_id, caption })));
}

/** One text that is not empty for each id, in the order of the ids. */
function checked(
  where: string,
  what: 'question' | 'image',
  texts: readonly (readonly [number, string])[],
  ids: readonly number[],
): (readonly [number, string])[] {
  const byId = new Map(texts);
  const expected = new Set(ids);
  const given = texts.map(([id]) => id);
  const problems = [
    problem(
      'missing',
      ids.filter((id) => !byId.has(id)),
    ),
    problem(
      `no ${what} of the split`,
      given.filter((id) => !expected.has(id)),
    ),
    problem('given twice', repeated(given)),
    problem(
      'empty',
      texts.filter(([, text]) => text.trim() === '').map(([id]) => id),
    ),
    problem(
      'no whole numbers',
      [...ids, ...given].filter((id) => !Number.isSafeInteger(id)),
    ),
  ].flat();
  if (problems.length === 0) return ids.map((id) => [id, byId.get(id)!] as const);
  throw new DataError({
    code: 'data/submission',
    where,
    expected: `one text for each of the ${ids.length} ${what}s`,
    got: problems.join('; '),
    fix: `Predict for the whole split that the server names, with its own ${what} ids.`,
  });
}

function problem(name: string, ids: readonly number[]): string[] {
  if (ids.length === 0) return [];
  const more = ids.length > 5 ? ` and ${ids.length - 5} more` : '';
  return [`${name}: ${ids.slice(0, 5).join(', ')}${more}`];
}

/** Ids that come again, each time they do. */
function repeated(ids: readonly number[]): number[] {
  const seen = new Set<number>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}
