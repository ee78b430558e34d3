import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addFiles, dataFolder, expectRefusal, picture } from '../../test/data-folder.js';
import { openTaskData } from './open-task-data.js';
import { prepareData } from './prepare-data.js';

const rows = (...lines: object[]) => lines.map((line) => JSON.stringify(line)).join('\n');
const normalizeAnswer = (answer: string) => answer.toLowerCase();
const task = 'visual-question-answering';

const questions = (...more: object[]) =>
  dataFolder({
    'a.png': picture(1),
    'metadata.jsonl': rows(
      { image: 'a.png', question: 'What?', answer: 'CAT' },
      { image: 'a.png', question: 'Who?', answer: 'cat' },
      { image: 'a.png', question: 'How?', answer: 'so', split: 'val' },
      ...more,
    ),
  });

const prepare = (root: string, options = {}) =>
  prepareData('metadata', root, { task, normalizeAnswer, ...options });

describe('prepareData', () => {
  it('writes the vocabulary and an index of every split, which opening then reads', async () => {
    const root = questions();
    const seen: string[] = [];
    const prepared = await prepare(root, {
      onRecord: (s: string, n: number) => seen.push(`${s} ${n}`),
    });
    expect(prepared).toMatchObject({
      format: 'metadata',
      labels: 1,
      problems: [],
      stopped: false,
      splits: [
        { split: 'train', examples: 2 },
        { split: 'val', examples: 1 },
      ],
    });
    expect(seen).toEqual(['train 1', 'train 2', 'val 1']);
    expect(readFileSync(join(root, 'answer2label.txt'), 'utf8')).toBe(
      '{"answer": "cat", "label": 0}\n',
    );
    expect(readdirSync(join(root, '.imglish')).sort()).toEqual([
      'metadata.visual-question-answering.train.jsonl',
      'metadata.visual-question-answering.val.jsonl',
    ]);
    expect(prepared.written.every((file) => existsSync(file))).toBe(true);
    const data = await openTaskData(task, root, 'train');
    expect([data.size, data.labels, (await data.get(1)).question]).toEqual([2, ['cat'], 'Who?']);
    // Once there, the vocabulary stays: labels of models depend on it.
    expect((await prepare(root)).written).toHaveLength(2);
    await expect(prepare(root, { leastCount: 2 })).rejects.toMatchObject({ code: 'config/option' });
  });

  it('collects problems, up to a limit, and then writes nothing', async () => {
    const bad = { image: 'a.png', question: 3 };
    const root = questions(bad, { image: 'b.png', question: 'x' }, bad);
    const all = await prepare(root);
    expect(all.problems.map(({ code, where }) => `${code} ${where}`)).toEqual([
      'data/bad-record metadata.jsonl, line 4',
      'data/missing-image metadata.jsonl, line 5',
      'data/bad-record metadata.jsonl, line 6',
    ]);
    expect([all.stopped, all.written]).toEqual([false, []]);
    const some = await prepare(root, { limitErrors: 2 });
    expect([some.stopped, some.problems.length]).toEqual([true, 2]);
    expect(existsSync(join(root, 'answer2label.txt'))).toBe(false);
    expect(readdirSync(join(root, '.imglish'))).toEqual([]);
  });

  it('ends with what cannot be read on, and decodes pictures where that is asked for', async () => {
    const cut = dataFolder({ 'dataset_coco.json': '{"images": [{"filename": "a.png"' });
    const { problems, stopped } = await prepareData('coco-karpathy', cut, { splits: ['train'] });
    expect([problems.map(({ code }) => code), stopped]).toEqual([['data/bad-json'], true]);
    const root = dataFolder({
      'captions.txt': 'a.png\tone\nb.png\ttwo\n',
      'a.png': picture(1),
      'b.png': 'no',
    });
    const shallow = await prepareData('captions', root, { splits: ['all'] });
    expect(shallow.splits).toEqual([{ split: 'all', examples: 2, counts: { captions: 2 } }]);
    const deep = await prepareData('captions', root, { splits: ['all'], decode: true });
    expect(deep.problems.map(({ code }) => code)).toEqual(['data/bad-image']);
  });

  it('says what it needs', async () => {
    const root = questions();
    await expect(prepareData('metadata', root)).rejects.toMatchObject({
      code: 'config/missing-option',
    });
    await expect(prepareData('metadata', root, { task })).rejects.toMatchObject({
      code: 'config/missing-option',
    });
    await expect(prepare(root, { limitErrors: 0 })).rejects.toMatchObject({
      code: 'config/option',
    });
    await expect(prepareData('nlvr2', root, { task })).rejects.toMatchObject({
      code: 'config/option',
    });
    await expectRefusal(prepareData('nlvr2', root), 'no-format', 'nlvr2');
    const few = await prepare(root, { leastCount: 5 });
    expect(few.problems.map(({ code }) => code)).toEqual(['data/empty']);
    addFiles(root, { 'metadata.jsonl': '' });
    expect((await prepare(root, { splits: ['train'] })).problems[0]?.code).toBe('data/empty');
  });
});
