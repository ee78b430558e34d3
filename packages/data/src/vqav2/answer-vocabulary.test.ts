import { describe, expect, it } from 'vitest';
import { expectRefusal } from '../../test/data-folder.js';
import {
  answerScore,
  answerTargets,
  answerVocabulary,
  formatAnswerVocabulary,
  parseAnswerVocabulary,
} from './answer-vocabulary.js';

async function* each<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
const bytes = (text: string) => each(new TextEncoder().encode(text));

describe('the vocabulary of answers', () => {
  it('takes what is frequent enough, in order of appearance', async () => {
    const given = ['b', 'A', 'a', 'b', 'c', 'a'];
    const lower = (text: string) => text.toLowerCase();
    expect(await answerVocabulary(each(...given), lower, 2)).toEqual(['b', 'a']);
    expect(await answerVocabulary(each(...given), lower, 3)).toEqual(['a']);
    await expect(answerVocabulary(each('a'), lower, 0)).rejects.toMatchObject({
      code: 'config/option',
    });
  });

  it('scores answers by how many gave them', () => {
    expect([0, 1, 2, 3, 4, 10].map(answerScore)).toEqual([0, 0.3, 0.6, 0.9, 1, 1]);
    const vocabulary = new Map([
      ['cat', 0],
      ['dog', 1],
      ['cow', 2],
    ]);
    expect(answerTargets(['dog', 'Cat', 'cat', 'dog', 'owl'], vocabulary)).toEqual({
      labels: [1, 0],
      scores: [0.6, 0.3],
    });
  });

  it('is written as Python writes it, and read back', async () => {
    // python: json.dumps({"answer": a, "label": i}) for each
    const answers = ['net', 'é "x"\t\u007f', '中😀', ''];
    const text = [
      '{"answer": "net", "label": 0}',
      '{"answer": "\\u00e9 \\"x\\"\\t\u007f", "label": 1}',
      '{"answer": "\\u4e2d\\ud83d\\ude00", "label": 2}',
      '{"answer": "", "label": 3}',
      '',
    ].join('\n');
    expect(formatAnswerVocabulary(answers)).toBe(text);
    expect(await parseAnswerVocabulary(bytes(text))).toEqual(answers);
  });

  it('names the line that does not fit', async () => {
    const first = '{"answer": "a", "label": 0}\n';
    const read = (line: string) => parseAnswerVocabulary(bytes(first + line));
    await expectRefusal(read('{"answer": "b", "label": 2}'), 'bad-record', 'line 2');
    await expectRefusal(read('{"answer": "a", "label": 1}'), 'bad-record', 'line 2');
    await expectRefusal(read('{"answer": 3, "label": 1}'), 'bad-record', 'line 2');
    await expectRefusal(read('{"answer": "b", '), 'bad-json', 'line 2');
  });
});
