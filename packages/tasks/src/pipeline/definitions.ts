import type { RgbImage } from '@imglish/core';
import { tasks } from '../all.js';
import type { CaptionOptions } from '../image-captioning/generate/index.js';
import { imageVectors, textVectors } from '../image-text-retrieval/predict.js';
import { logitsOfLabels } from '../image-text-retrieval/zero-shot.js';
import { softmax } from '../inputs/numbers.js';
import type { Task, TaskModel } from '../task.js';
import { captionOptions, type GenerationArguments } from './caption-options.js';
import { fillMasks } from './fill-masks.js';
import type {
  AnswerScore,
  FeatureMatrix,
  FilledMask,
  GeneratedText,
  LabelScore,
} from './results.js';

/** How a pipeline reads its arguments, answers one batch of them, and puts the answers together. */
export interface Definition {
  /** Whose models it takes. */
  readonly task: Task;
  /** Kinds of its arguments, the options aside. */
  readonly inputs: readonly ('image' | 'images' | 'text' | 'texts')[];
  /** Names of its own options. */
  readonly options: readonly string[];
  /** Whether the answers of all inputs are one thing, such as a matrix. */
  readonly collect?: (answers: unknown[]) => unknown;
  answer(model: TaskModel, batch: readonly Item[], options: Options): Promise<unknown[]>;
}

/** One input: what stood in the places of `Definition.inputs`, images read. */
export type Item = readonly (RgbImage | readonly RgbImage[] | string | readonly string[])[];
export type Options = Readonly<Record<string, unknown>>;

const top = (options: Options): { top: number } => ({
  top: (options.top_k as number | undefined) ?? 5,
});
const image = (item: Item) => item[0] as RgbImage;
const labelScore = ({ label, score }: LabelScore): LabelScore => ({ label, score });

const imageClassification: Definition = {
  task: tasks.imageClassification as unknown as Task,
  inputs: ['image'],
  options: ['top_k'],
  async answer(model, batch, options): Promise<LabelScore[][]> {
    const queries = batch.map((item) => ({ image: image(item) }));
    const answers = await tasks.imageClassification.predict(model, queries, top(options));
    return answers.map((labels) => labels.map(labelScore));
  },
};

const textClassification: Definition = {
  task: tasks.textClassification as unknown as Task,
  inputs: ['text'],
  options: ['top_k'],
  async answer(model, batch, options): Promise<LabelScore[][]> {
    const queries = batch.map(([text]) => ({ text: text as string }));
    // As in transformers.js, one label unless more are asked for.
    const more = { top: (options.top_k as number | undefined) ?? 1 };
    const answers = await tasks.textClassification.predict(model, queries, more);
    return answers.map((labels) => labels.map(labelScore));
  },
};

const visualQuestionAnswering: Definition = {
  task: tasks.visualQuestionAnswering as unknown as Task,
  inputs: ['image', 'text'],
  options: ['top_k'],
  async answer(model, batch, options): Promise<AnswerScore[][]> {
    const queries = batch.map((item) => ({ image: image(item), question: item[1] as string }));
    return tasks.visualQuestionAnswering.predict(model, queries, top(options)) as Promise<
      AnswerScore[][]
    >;
  },
};

const visualReasoning: Definition = {
  task: tasks.visualReasoning as unknown as Task,
  inputs: ['images', 'text'],
  options: [],
  async answer(model, batch): Promise<LabelScore[][]> {
    const queries = batch.map(([images, statement]) => ({
      images: images as readonly [RgbImage, RgbImage],
      statement: statement as string,
    }));
    const judgements = await tasks.visualReasoning.predict(model, queries);
    return judgements.map(({ probability }) =>
      [
        { label: 'True', score: probability },
        { label: 'False', score: 1 - probability },
      ].sort((a, b) => b.score - a.score),
    );
  },
};

const imageToText: Definition = {
  task: tasks.imageCaptioning as unknown as Task,
  inputs: ['image'],
  options: [
    'max_length',
    'num_beams',
    'length_penalty',
    'early_stopping',
    'do_sample',
    'seed',
    'temperature',
    'top_k',
    'top_p',
  ],
  async answer(model, batch, options): Promise<GeneratedText[][]> {
    const queries = batch.map((item) => ({ image: image(item) }));
    const how: CaptionOptions = captionOptions(options as GenerationArguments);
    const captions = await tasks.imageCaptioning.predict(model, queries, how);
    return captions.map(({ caption }) => [{ generated_text: caption }]);
  },
};

const fillMask: Definition = {
  task: tasks.fillMask as unknown as Task,
  inputs: ['text'],
  options: ['top_k'],
  async answer(model, batch, options): Promise<(FilledMask[] | FilledMask[][])[]> {
    const queries = batch.map(([text]) => ({ text: text as string }));
    const filled = await tasks.fillMask.predict(model, queries, top(options));
    return filled.map((one, i) => fillMasks(model, queries[i]!.text, one));
  },
};

const featureExtraction: Definition = {
  task: tasks.imageTextRetrieval as unknown as Task,
  inputs: ['text'],
  options: [],
  collect: (vectors) => matrix(vectors as Float32Array[]),
  answer: (model, batch) =>
    textVectors(
      model,
      batch.map(([text]) => text as string),
    ),
};

const imageFeatureExtraction: Definition = {
  task: tasks.imageTextRetrieval as unknown as Task,
  inputs: ['image'],
  options: [],
  collect: (vectors) => matrix(vectors as Float32Array[]),
  answer: (model, batch) => imageVectors(model, batch.map(image)),
};

const zeroShotImageClassification: Definition = {
  task: tasks.imageTextRetrieval as unknown as Task,
  inputs: ['image', 'texts'],
  options: ['hypothesis_template'],
  async answer(model, batch, options): Promise<LabelScore[][]> {
    const template = (options.hypothesis_template as string | undefined) ?? 'a photo of {}';
    return Promise.all(
      batch.map(async (item) => {
        const labels = item[1] as readonly string[];
        const texts = labels.map((label) => template.replaceAll('{}', label));
        const scores = softmax(await logitsOfLabels(model, image(item), texts));
        return labels
          .map((label, i) => ({ label, score: scores[i]! }))
          .sort((a, b) => b.score - a.score);
      }),
    );
  },
};

const imageTextRetrieval: Definition = {
  task: tasks.imageTextRetrieval as unknown as Task,
  inputs: ['image', 'texts'],
  options: [],
  async answer(model, batch): Promise<number[][]> {
    const queries = batch.map((item) => ({ image: image(item), texts: item[1] as string[] }));
    const vectors = await tasks.imageTextRetrieval.predict(model, queries);
    return vectors.map((own) =>
      own.texts.map((text) => text.reduce((sum, x, i) => sum + x * own.image[i]!, 0)),
    );
  },
};

/** Every pipeline by its name. */
export const DEFINITIONS: Readonly<Record<string, Definition>> = {
  'image-classification': imageClassification,
  'text-classification': textClassification,
  'visual-question-answering': visualQuestionAnswering,
  'visual-reasoning': visualReasoning,
  'image-to-text': imageToText,
  'fill-mask': fillMask,
  'feature-extraction': featureExtraction,
  'image-feature-extraction': imageFeatureExtraction,
  'zero-shot-image-classification': zeroShotImageClassification,
  'image-text-retrieval': imageTextRetrieval,
};

function matrix(rows: readonly Float32Array[]): FeatureMatrix {
  const width = rows[0]?.length ?? 0;
  const data = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    data.set(row, i * width);
  });
  return { type: 'float32', dims: [rows.length, width], data };
}
