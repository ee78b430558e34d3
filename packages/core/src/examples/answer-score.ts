/**
 * How right an answer to a question about an image is for training: 0, 0.3, 0.6, 0.9, 1 for 0, 1, 2, 3,
 * more people of ten who gave it (reference: datasets.py, `get_score`).
 */
export function answerScore(people: number): number {
  return people > 3 ? 1 : (people * 3) / 10;
}
