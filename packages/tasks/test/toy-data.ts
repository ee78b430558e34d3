import type {
  ClassificationExample,
  Dataset,
  ModelConfig,
  PairExample,
  RgbImage,
  TextClassificationExample,
  TextExample,
  VisualReasoningExample,
  VqaExample,
} from '@imglish/core';
import { type TextTokenizer, textTokenizer, trainUnigram } from '@imglish/tokenizers';
import type { tasks } from '../src/index.js';
import { smallConfig } from './small-model.js';

export const COLOURS: Readonly<Record<string, readonly [number, number, number]>> = {
  red: [230, 20, 20],
  green: [20, 200, 40],
  blue: [30, 40, 230],
  white: [250, 250, 250],
};
const NAMES: readonly string[] = Object.keys(COLOURS);

/** Two colours side by side. */
export function halves(
  left: string,
  right: string,
  [height, width]: readonly [number, number] = [8, 8],
): RgbImage {
  const data = new Uint8Array(3 * height * width);
  for (let i = 0; i < height * width; i++) {
    data.set(COLOURS[i % width < width / 2 ? left : right]!, 3 * i);
  }
  return { width, height, data };
}

const PAIRS = NAMES.flatMap((left) => NAMES.map((right) => [left, right] as const));
const SENTENCES = PAIRS.flatMap(([left, right]) => [
  `${left} beside ${right}`,
  `the left one is ${left}`,
  'what is on the left ?',
  'what is on the right ?',
]);

let spmBytes: Uint8Array | undefined;

/** A SentencePiece model in which every word of the toy texts is one piece. */
export function toySpm(): Uint8Array {
  spmBytes ??= trainUnigram(SENTENCES, { vocabSize: 34 }).spm;
  return spmBytes;
}

export function toyTokenizer(): TextTokenizer {
  return textTokenizer(toySpm());
}

/** Big enough to learn sixteen examples by heart in seconds. */
export function toyConfig(normalizeOutput: boolean): ModelConfig {
  return smallConfig({
    imageSize: [8, 8],
    patchSize: 4,
    vocabularySize: 36, // as many as the tokenizer has
    dim: 16,
    heads: 2,
    ffnDim: 32,
    layers: 1,
    maxTextPositions: 34,
    normalizeOutput,
  });
}

export function datasetOf<T>(examples: readonly T[]): Dataset<T> {
  return { size: examples.length, get: async (index) => examples[index]! };
}

interface ToyTask {
  labels: readonly string[];
  examples: readonly object[];
}

const pairs = PAIRS.map(([left, right], i): PairExample => {
  return { id: `${i}`, image: halves(left, right), captions: [`${left} beside ${right}`] };
});

/** Sixteen examples of each task. */
export const TOY_TASKS: Readonly<Record<keyof typeof tasks, ToyTask>> = {
  imageClassification: {
    labels: NAMES,
    examples: PAIRS.map(([left, right], i): ClassificationExample => {
      return { id: `${i}`, image: halves(left, right), label: NAMES.indexOf(left) };
    }),
  },
  visualQuestionAnswering: {
    labels: NAMES,
    examples: PAIRS.map(([left, right], i): VqaExample => {
      const [side, answer] = i % 3 === 0 ? ['left', left] : ['right', right];
      return {
        id: `${i}`,
        imageId: `${i}`,
        image: halves(left, right),
        question: `what is on the ${side} ?`,
        answers: new Array<string>(10).fill(answer),
        kind: side,
      };
    }),
  },
  visualReasoning: {
    labels: [],
    examples: PAIRS.map(([left, right], i): VisualReasoningExample => {
      return {
        id: `dev-${i}-0-0`,
        images: [halves(left, left), halves(right, right)],
        statement: `the left one is ${i % 2 ? left : right}`,
        label: i % 2 === 1 || left === right,
      };
    }),
  },
  imageCaptioning: { labels: [], examples: pairs },
  imageTextRetrieval: { labels: [], examples: pairs },
  textClassification: {
    labels: NAMES,
    examples: PAIRS.map(([left, right], i): TextClassificationExample => {
      return { id: `${i}`, text: `${left} beside ${right}`, label: NAMES.indexOf(right) };
    }),
  },
  fillMask: {
    labels: [],
    examples: PAIRS.map(([left], i): TextExample => {
      return { id: `${i}`, text: `${left} beside ${left}` };
    }),
  },
};
