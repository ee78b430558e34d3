import { draw, type VqaExample } from '@imglish/core';
import type { DataFormat } from '../formats/format.js';
import { fieldsOf, uniqueIds } from '../records/fields.js';
import { type DataFiles, joinPath } from '../records/files.js';
import { jsonElements } from '../records/json-elements.js';
import { picturesOf } from '../records/pictures.js';
import { checked, type OnProblem, recordError } from '../records/record-error.js';
import { type Subset, subsetsOf } from '../records/subsets.js';
import { ANSWER_FILE, parseAnswerVocabulary } from './answer-vocabulary.js';

export interface VqaQuestion {
  readonly id: string;
  readonly imageId: string;
  readonly image: string;
  readonly question: string;
  readonly answers?: readonly string[];
  readonly kind?: string;
}

const FOLDER = 'vqa';
const QUESTIONS = /^v2_OpenEnded_mscoco_(.+)_questions\.json$/;

/** Pictures of val that are kept for validation where the others are trained on. */
const REST_VAL_IMAGES = 1000;

/**
 * VQAv2: `ROOT/vqa/v2_OpenEnded_mscoco_train2014_questions.json`, `…/v2_mscoco_train2014_annotations.json`,
 * pictures in `ROOT/train2014`; `val2014`, `test2015` and `test-dev2015` likewise, the last two without
 * annotations.
 *
 * Splits: `train`, `val`, `test`, `test-dev`; `rest-val` is 1,000 pictures of `val` (half of them where
 * there are fewer than 2,000), `trainable-val` the others: the reference trains on `train+trainable-val`.
 *
 * Problems: `data/duplicate-id`, `data/missing-image`, `data/missing-annotation` (a question without),
 * `data/unknown-question` (an annotation without), `data/bad-record`.
 */
export const vqav2: DataFormat<VqaQuestion, VqaExample> = {
  name: 'vqav2',
  description: 'VQAv2: questions and annotations',
  tasks: ['visual-question-answering'],

  isIn: async (files) => (await subsetsIn(files)).length > 0,

  async splits(files) {
    const subsets = await subsetsIn(files);
    const val = subsets.find(({ split }) => split === 'val');
    const splits = subsets.map(({ split }) => split);
    return val && (await annotationsOf(files, val)) !== undefined
      ? [...splits, 'trainable-val', 'rest-val']
      : splits;
  },

  async labels({ files }) {
    if ((await files.list(''))?.includes(ANSWER_FILE)) {
      return parseAnswerVocabulary(files.read(ANSWER_FILE));
    }
    throw recordError('no-answer-vocabulary', files.name, `a file ${ANSWER_FILE}`, 'none', {
      fix: `Make it once: imglish prepare vqav2 ${files.name}`,
    });
  },

  async sources({ files, split }) {
    const subset = await subsetNamed(files, split);
    const annotations = await annotationsOf(files, subset);
    return [
      questionsOf(subset),
      ...(annotations ? [annotations] : []),
      await folderOf(files, subset),
    ];
  },

  async *records({ files, split }, onProblem) {
    const subset = await subsetNamed(files, split);
    if (subset.split === split || subset.name === split) {
      yield* readSubset(files, subset, onProblem);
      return;
    }
    const all: VqaQuestion[] = [];
    for await (const question of readSubset(files, subset, onProblem)) all.push(question);
    const kept = keptForValidation(all.map(({ imageId }) => imageId));
    const wanted = split === 'rest-val';
    yield* all.filter(({ imageId }) => kept.has(imageId) === wanted);
  },

  async example({ id, imageId, image, question, answers, kind }, reader) {
    return {
      id,
      imageId,
      image: await reader.image(image, `question ${id}`),
      question,
      ...(answers && { answers }),
      ...(kind !== undefined && { kind }),
    };
  },

  answers: {
    leastCount: 9,
    async *majority(files, onProblem) {
      for (const subset of await subsetsIn(files)) {
        const annotations = await annotationsOf(files, subset);
        if (!annotations || (subset.split !== 'train' && subset.split !== 'val')) continue;
        const elements = jsonElements(files.read(annotations), annotations, ['annotations']);
        yield* checked(
          elements,
          ({ value, place }) => fieldsOf(value, place).text('multiple_choice_answer'),
          onProblem,
        );
      }
    },
  },

  count: ({ answers }) => ({ answers: answers?.length ?? 0 }),
};

interface Annotation {
  readonly imageId: number;
  readonly answers: readonly string[];
  readonly kind: string;
  readonly place: string;
}

async function* readSubset(
  files: DataFiles,
  subset: Subset,
  onProblem: OnProblem,
): AsyncGenerator<VqaQuestion> {
  const pictures = picturesOf(files);
  const folder = await folderOf(files, subset);
  const annotationFile = await annotationsOf(files, subset);
  const annotations = annotationFile
    ? await readAnnotations(files, annotationFile, onProblem)
    : undefined;
  const unique = uniqueIds();
  const file = questionsOf(subset);
  const elements = jsonElements(files.read(file), file, ['questions']);
  yield* checked(
    elements,
    async ({ value, place }) => {
      const fields = fieldsOf(value, place);
      const number = fields.integer('question_id');
      const annotation = annotations?.get(number);
      annotations?.delete(number);
      const id = String(number);
      unique(id, place);
      const imageId = fields.integer('image_id');
      const question = fields.text('question');
      if (annotations && !annotation) {
        const expected = `an annotation of question ${id} in ${annotationFile}`;
        throw recordError('missing-annotation', place, expected, 'none');
      }
      if (annotation && annotation.imageId !== imageId) {
        const expected = `question ${id} to be about picture ${imageId}, as in ${file}`;
        throw recordError('bad-record', annotation.place, expected, String(annotation.imageId));
      }
      return {
        id,
        imageId: String(imageId),
        image: await pictures.numbered(folder, imageId, place),
        question,
        ...(annotation && { answers: annotation.answers, kind: annotation.kind }),
      };
    },
    onProblem,
  );
  for (const [id, { place }] of annotations ?? []) {
    onProblem(recordError('unknown-question', place, `question ${id} in ${file}`, 'none'));
  }
}

async function readAnnotations(
  files: DataFiles,
  file: string,
  onProblem: OnProblem,
): Promise<Map<number, Annotation>> {
  const annotations = new Map<number, Annotation>();
  // Millions of answers, few different ones: each text is kept once.
  const texts = new Map<string, string>();
  const once = (text: string): string => {
    const known = texts.get(text);
    if (known === undefined) texts.set(text, text);
    return known ?? text;
  };
  const unique = uniqueIds();
  const elements = jsonElements(files.read(file), file, ['annotations']);
  const read = checked(
    elements,
    ({ value, place }) => {
      const fields = fieldsOf(value, place);
      const id = fields.integer('question_id');
      unique(String(id), place);
      const answers = fields.objects('answers').map((answer) => once(answer.text('answer')));
      if (answers.length === 0) {
        throw recordError('bad-record', place, 'at least one answer', 'none');
      }
      const kind = once(fields.text('answer_type'));
      return { id, annotation: { imageId: fields.integer('image_id'), answers, kind, place } };
    },
    onProblem,
  );
  for await (const { id, annotation } of read) annotations.set(id, annotation);
  return annotations;
}

/** The pictures of val that are kept back, the same on every machine. */
function keptForValidation(imageIds: readonly string[]): ReadonlySet<string> {
  const ids = [...new Set(imageIds)].sort((a, b) => Number(a) - Number(b));
  const order = draw(0, 'data/vqav2/rest-val').permutation(ids.length);
  const count = Math.min(REST_VAL_IMAGES, Math.floor(ids.length / 2));
  return new Set(Array.from(order.subarray(0, count), (i) => ids[i]!));
}

const questionsOf = ({ name }: Subset): string =>
  joinPath(FOLDER, `v2_OpenEnded_mscoco_${name}_questions.json`);

async function subsetsIn(files: DataFiles): Promise<Subset[]> {
  return subsetsOf((await files.list(FOLDER)) ?? [], QUESTIONS);
}

async function subsetNamed(files: DataFiles, split: string): Promise<Subset> {
  const subsets = await subsetsIn(files);
  const wanted = split === 'trainable-val' || split === 'rest-val' ? 'val' : split;
  const subset = subsets.find((s) => s.split === wanted || s.name === wanted);
  if (subset) return subset;
  const there = subsets.map((s) => s.split).join(', ') || 'none';
  throw recordError('no-split', files.name, `questions of the split ${split}`, there);
}

async function annotationsOf(files: DataFiles, { name }: Subset): Promise<string | undefined> {
  const file = `v2_mscoco_${name}_annotations.json`;
  return (await files.list(FOLDER))?.includes(file) ? joinPath(FOLDER, file) : undefined;
}

/** The folder of the pictures: test-dev is a part of test and shares its pictures. */
async function folderOf(files: DataFiles, { name }: Subset): Promise<string> {
  const folder = name.replace(/^test-dev/, 'test');
  return (await files.list(name)) ? name : folder;
}
