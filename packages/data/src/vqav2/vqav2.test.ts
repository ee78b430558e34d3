import { describe, expect, it } from 'vitest';
import {
  addFiles,
  dataFolder,
  expectProblem,
  expectRefusal,
  type FileTree,
  picture,
  readSplit,
} from '../../test/data-folder.js';
import { fileRoot } from '../node/file-root.js';
import { openTaskData } from '../node/open-task-data.js';
import { vqav2 } from './vqav2.js';

const answers = (...texts: string[]) =>
  Array.from({ length: 10 }, (_, i) => ({
    answer: texts[i % texts.length],
    answer_confidence: 'yes',
    answer_id: i + 1,
  }));

const question = (id: number, image: number) => ({
  image_id: image,
  question: `Question ${id}?`,
  question_id: id,
});

const annotation = (id: number, image: number, ...texts: string[]) => ({
  question_type: 'what is',
  multiple_choice_answer: texts[0],
  answers: answers(...texts),
  image_id: image,
  answer_type: 'other',
  question_id: id,
});

const QUESTIONS = 'vqa/v2_OpenEnded_mscoco_train2014_questions.json';
const ANNOTATIONS = 'vqa/v2_mscoco_train2014_annotations.json';

const files = (more: FileTree = {}): FileTree => ({
  'train2014/COCO_train2014_000000000009.png': picture(9),
  'train2014/COCO_train2014_000000000025.png': picture(25),
  [QUESTIONS]: { info: {}, questions: [question(9000, 9), question(9001, 9), question(25000, 25)] },
  [ANNOTATIONS]: {
    info: {},
    annotations: [
      annotation(9001, 9, 'Net', 'ball'),
      annotation(9000, 9, 'yes'),
      annotation(25000, 25, 'é "quoted"'),
    ],
  },
  ...more,
});

const open = (root: string, split: string, options = {}) =>
  openTaskData('visual-question-answering', root, split, {
    normalizeAnswer: (answer: string) => answer.toLowerCase(),
    ...options,
  });

describe('vqav2', () => {
  it('joins questions, annotations and pictures', async () => {
    const root = dataFolder(files());
    const data = await open(root, 'train');
    expect(data.size).toBe(3);
    const { image, ...example } = await data.get(1);
    expect(example).toEqual({
      id: '9001',
      imageId: '9',
      question: 'Question 9001?',
      answers: answers('Net', 'ball').map(({ answer }) => answer),
      kind: 'other',
    });
    expect(image.data[0]).toBe(9);
    expect((await data.get(2)).image.data[0]).toBe(25);
  });

  it('makes the vocabulary of answers that 9 questions have, or reads the one that was made', async () => {
    const many = Array.from({ length: 19 }, (_, i) => i + 1);
    const root = dataFolder(
      files({
        'val2014/COCO_val2014_000000000001.png': picture(1),
        'vqa/v2_OpenEnded_mscoco_val2014_questions.json': {
          questions: many.map((i) => question(i, 1)),
        },
        'vqa/v2_mscoco_val2014_annotations.json': {
          annotations: many.map((i) => annotation(i, 1, i % 2 ? 'YES' : 'Net', 'Net')),
        },
      }),
    );
    // Net 1 + 9 times, yes 1 + 10, in the order in which they first occur; the others too seldom.
    expect((await open(root, 'train')).labels).toEqual(['net', 'yes']);
    await expectRefusal(
      openTaskData('visual-question-answering', root, 'train'),
      'no-answer-vocabulary',
      'imglish prepare vqav2',
    );
    // Answers are looked up as they were written: "Net" is not "net".
    const some = await open(root, 'train', { onlyAnswerable: true });
    expect([some.size, (await some.get(0)).id]).toEqual([1, '9000']);
    addFiles(root, { 'answer2label.txt': '{"answer": "ball", "label": 0}\n' });
    expect((await open(root, 'val')).labels).toEqual(['ball']);
    expect(await vqav2.splits(fileRoot(root), 'visual-question-answering')).toEqual([
      'train',
      'val',
      'trainable-val',
      'rest-val',
    ]);
  });

  it('keeps pictures of val for validation, always the same, and trains on the others', async () => {
    const ids = Array.from({ length: 7 }, (_, i) => i + 1);
    const val = dataFolder({
      ...Object.fromEntries(
        ids.map((i) => [`val2014/COCO_val2014_00000000000${i}.png`, picture(i)]),
      ),
      'vqa/v2_OpenEnded_mscoco_val2014_questions.json': {
        questions: ids.flatMap((i) => [question(10 * i, i), question(10 * i + 1, i)]),
      },
      'vqa/v2_mscoco_val2014_annotations.json': {
        annotations: ids.flatMap((i) => [
          annotation(10 * i, i, 'a'),
          annotation(10 * i + 1, i, 'a'),
        ]),
      },
    });
    const idsOf = async (split: string) =>
      (await readSplit('vqav2', val, split)).records.map((r) => (r as { imageId: string }).imageId);
    const [rest, trainable] = [await idsOf('rest-val'), await idsOf('trainable-val')];
    expect([rest.length, trainable.length]).toEqual([6, 8]);
    expect(new Set(rest).size).toBe(3);
    expect(rest.filter((id) => trainable.includes(id))).toEqual([]);
    expect(await idsOf('rest-val')).toEqual(rest);
  });

  it('reads questions without annotations, and other subsets by name', async () => {
    const root = dataFolder({
      'test2015/COCO_test2015_000000000001.jpg': picture(1),
      'unseen/COCO_unseen_000000000001.png': picture(2),
      'vqa/v2_OpenEnded_mscoco_test-dev2015_questions.json': { questions: [question(1, 1)] },
      'vqa/v2_OpenEnded_mscoco_unseen_questions.json': { questions: [question(1, 1)] },
      'vqa/v2_mscoco_unseen_annotations.json': { annotations: [annotation(1, 1, 'x')] },
    });
    const dev = await open(root, 'test-dev');
    expect(await dev.get(0)).not.toHaveProperty('answers');
    expect((await dev.get(0)).image.data[0]).toBe(1);
    const unseen = await (await open(root, 'unseen')).get(0);
    expect([unseen.image.data[0], unseen.answers?.[9]]).toEqual([2, 'x']);
  });

  const questions = (...list: unknown[]) => ({ [QUESTIONS]: { questions: list } });
  const annotations = (...list: unknown[]) => ({ [ANNOTATIONS]: { annotations: list } });
  const one = annotations(annotation(9000, 9, 'yes'));
  const bad: [what: string, code: string, place: string, says: string, tree: FileTree][] = [
    [
      'a text for an id',
      'bad-record',
      `${QUESTIONS}, questions[1]`,
      '"question_id" to be a whole number, got "x"',
      { ...questions(question(9000, 9), { ...question(1, 9), question_id: 'x' }), ...one },
    ],
    [
      'a question that is none',
      'bad-record',
      `${QUESTIONS}, questions[1]`,
      '"question"',
      {
        ...questions(question(9000, 9), { ...question(9000, 9), question_id: 1, question: ' ' }),
        ...one,
      },
    ],
    [
      'a duplicate id',
      'duplicate-id',
      `${QUESTIONS}, questions[1]`,
      'questions[0]',
      { ...questions(question(9000, 9), question(9000, 9)), ...one },
    ],
    [
      'a question without an annotation',
      'missing-annotation',
      `${QUESTIONS}, questions[1]`,
      '9001',
      { ...questions(question(9000, 9), question(9001, 9)), ...one },
    ],
    [
      'an annotation without a question',
      'unknown-question',
      `${ANNOTATIONS}, annotations[1]`,
      '9001',
      {
        ...questions(question(9000, 9)),
        ...annotations(annotation(9000, 9, 'yes'), annotation(9001, 9, 'no')),
      },
    ],
    [
      'a missing picture',
      'missing-image',
      `${QUESTIONS}, questions[1]`,
      '10',
      {
        ...questions(question(9000, 9), question(1, 10)),
        ...annotations(annotation(9000, 9, 'yes'), annotation(1, 10, 'no')),
      },
    ],
    [
      'files that disagree',
      'bad-record',
      `${ANNOTATIONS}, annotations[0]`,
      'picture 9',
      { ...questions(question(9000, 9)), ...annotations(annotation(9000, 25, 'yes')) },
    ],
  ];
  it.each(bad)('names %s', async (_, code, place, says, tree) => {
    const root = dataFolder({ ...files(), ...tree });
    const { problems } = await readSplit('vqav2', root, 'train');
    expectProblem(problems, code, place, says);
    await expectRefusal(open(root, 'train'), code, says);
  });

  it('refuses JSON that is cut short, another list, and answers that are not there', async () => {
    const cut = JSON.stringify({ questions: [question(9000, 9), question(9001, 9)] }).slice(0, -30);
    await expectRefusal(
      open(dataFolder(files({ [QUESTIONS]: cut })), 'train'),
      'bad-json',
      QUESTIONS,
    );
    const other = dataFolder(files({ [QUESTIONS]: { annotations: [1] } }));
    await expectRefusal(open(other, 'train'), 'missing-list', '"questions"');
    const none = { ...annotation(9000, 9, 'yes'), answers: [] };
    const empty = dataFolder(
      files(annotations(none, annotation(9001, 9, 'a'), annotation(25000, 25, 'b'))),
    );
    await expectRefusal(open(empty, 'train'), 'bad-record', 'annotations[0]');
  });
});
