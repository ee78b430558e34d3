import { describe, expect, it } from 'vitest';
import { captionSubmission, vqaSubmission } from './submissions.js';

describe('vqaSubmission', () => {
  it('is what the server takes, in the order of the questions', () => {
    const answers = [
      { questionId: 2, answer: 'no' },
      { questionId: 1, answer: 'yes' },
    ];
    expect(JSON.parse(vqaSubmission(answers, [1, 2]))).toEqual([
      { question_id: 1, answer: 'yes' },
      { question_id: 2, answer: 'no' },
    ]);
  });

  it('says all that is wrong at once', () => {
    const answers = [
      { questionId: 1, answer: 'yes' },
      { questionId: 1, answer: 'yes' },
      { questionId: 3, answer: ' ' },
    ];
    expect(() => vqaSubmission(answers, [1, 2])).toThrow(
      expect.objectContaining({
        code: 'data/submission',
        got: 'missing: 2; no question of the split: 3; given twice: 1; empty: 3',
      }),
    );
    expect(() => vqaSubmission([{ questionId: 0.5, answer: 'a' }], [0.5])).toThrow(
      /whole numbers: 0.5/,
    );
  });
});

describe('captionSubmission', () => {
  it('is what the servers of COCO and NoCaps take', () => {
    const text = captionSubmission([{ imageId: 7, caption: 'a "dog"' }], [7]);
    expect(JSON.parse(text)).toEqual([{ image_id: 7, caption: 'a "dog"' }]);
  });

  it('names some of many', () => {
    const ids = Array.from({ length: 9 }, (_, i) => i);
    expect(() => captionSubmission([], ids)).toThrow(/missing: 0, 1, 2, 3, 4 and 4 more/);
  });
});
