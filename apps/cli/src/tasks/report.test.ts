import { tasks } from '@imglish/tasks';
import { describe, expect, it } from 'vitest';
import { lossCurve } from '../report/loss-curve.js';
import { chosen, type TaskReport, taskReport } from './report.js';
import { judgeOf } from './verdicts.js';

const image = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) };

describe('verdicts', () => {
  const verdictOf = (task: string, predictions: unknown[], references: unknown[]) =>
    judgeOf(task).verdicts({ predictions, references, metrics: {}, count: predictions.length }, [
      'cat',
      'dog',
    ]);

  it('of classes and of answers', () => {
    const dog = [{ label: 'dog', index: 1, score: 0.75 }];
    expect(verdictOf('image-classification', [dog, dog], [1, 0])).toEqual([
      { score: 1, said: ['dog 75 %'], right: ['dog'] },
      { score: 0, said: ['dog 75 %'], right: ['cat'] },
    ]);
    const answers = ['cat', 'cat', 'cat', 'cat', 'dog'];
    const said = [[{ answer: 'dog', score: 0.5 }]];
    const [partly] = verdictOf('visual-question-answering', said, [{ answers }]);
    expect(partly).toMatchObject({ said: ['dog 50 %'], right: ['cat', 'dog'] });
    expect(partly!.score).toBeGreaterThan(0);
    expect(partly!.score).toBeLessThan(0.5);
  });

  it('of a text the nearest images, and how far its own is', () => {
    const at = (angle: number) => Float32Array.of(Math.cos(angle), Math.sin(angle));
    const pair = (own: number, text: number) => ({ image: at(own), texts: [at(text)] });
    const all = [pair(0, 0.1), pair(0.5, 0.6), pair(1, 0.2), pair(1.5, 1.4)];
    const verdicts = verdictOf('image-text-retrieval', all, []);
    expect(verdicts.map(({ score }) => score)).toEqual([1, 1, 0, 1]);
    expect(verdicts[2]!.found).toEqual([0, 1, 2]);
    expect(verdicts[2]!.right[0]).toMatch(/^its own is number 3 of 4/);
  });

  it('of a task that is not known is refused', () => {
    expect(() => judgeOf('telepathy')).toThrow(/telepathy/);
  });
});

it('shows some right and some wrong ones, spread; of grades the ends', () => {
  const scores = Array.from({ length: 40 }, (_, i) => ({ score: i % 2 }));
  const { good, bad } = chosen(scores, false);
  expect([good.length, bad.length]).toEqual([12, 12]);
  expect(good.every((i) => i % 2 === 1) && good.at(-1)! > 30).toBe(true);
  const grades = [0.5, 0.9, 0.1, 0.7, 0.2].map((score) => ({ score }));
  expect(chosen(grades, true)).toEqual({ good: [1, 3], bad: [2, 4] });
});

it('draws means of a long log', () => {
  const steps = Array.from({ length: 250 }, (_, i) => ({ step: i + 1, total: i }));
  const curve = lossCurve(steps as never);
  expect(curve).toHaveLength(84);
  expect(curve[0]).toEqual([3, 1]);
  expect(curve.at(-1)).toEqual([250, 249]);
});

it('is a page of its own, in which words are words', async () => {
  const question = 'is <b> red & big?';
  const report: TaskReport = {
    task: tasks.visualQuestionAnswering as never,
    subject: 'a model',
    labels: ['yes', 'no'],
    data: { size: 1, get: async () => ({ id: '1', imageId: '1', image, question }) },
    evaluation: {
      metrics: { accuracy: 0.25 },
      count: 1,
      predictions: [[{ answer: 'yes', score: 0.6 }]],
      references: [{ id: '1', answers: ['no'] }],
    },
    compared: { chance: { accuracy: 0.5 }, blindModel: { accuracy: 0.125 } },
    history: {
      steps: [{ step: 1, total: 2 }] as never,
      scores: [{ step: 1, metrics: { accuracy: 0.25 }, best: true }],
    },
  };
  const html = await taskReport(report);
  for (const text of ['0.2500', '0.5000', '0.1250', 'yes 60 %', 'is &lt;b&gt; red &amp; big?']) {
    expect(html).toContain(text);
  }
  expect(html.match(/<svg/g)).toHaveLength(2);
  expect(html.match(/src="data:image\/png/g)).toHaveLength(1);
  expect(html).not.toMatch(/(src|href)="http/);
  const wrong = html.slice(html.indexOf('<h2>Wrong'));
  expect(wrong).toContain('yes 60 %');
});
