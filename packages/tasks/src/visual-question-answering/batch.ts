import { DataError, toTensor, type VqaExample } from '@imglish/core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { hostImages, imageTensor } from '../inputs/images.js';
import { encodeTexts, hostTexts } from '../inputs/texts.js';
import { answerScores } from '../metrics/vqa-score.js';
import type { BatchContext, TaskBatch } from '../task.js';
import type { AnsweringInputs } from './index.js';
import type { AnsweringRecipe } from './recipe.js';

const WHERE = 'visualQuestionAnswering.batch';

/** Images and questions, with the soft score of every answer. */
export function batch(
  examples: readonly VqaExample[],
  context: BatchContext<AnsweringRecipe>,
): TaskBatch<AnsweringInputs> {
  const { config, labels, recipe } = context;
  const size = examples.length;
  const columns = new Map(labels.map((label, column) => [label, column]));
  const scores = new Float32Array(size * labels.length);
  examples.forEach(({ id, answers }, i) => {
    for (const [answer, score] of answerScores(answers ?? noAnswers(id))) {
      const column = columns.get(answer); // rare answers are none of the model's
      if (column !== undefined) scores[i * labels.length + column] = score;
    }
  });
  const questions = examples.map(({ question }) => question);
  const texts = hostTexts(encodeTexts(WHERE, context, questions, recipe.maxTextLength));
  const images = hostImages(
    context,
    examples.map(({ image }) => image),
  );
  const shape = [size, labels.length];
  return {
    size,
    count: size,
    inputs: {
      image: imageTensor(config, images),
      textIds: toTensor(texts.textIds) as Tensor2D,
      paddingMask: toTensor(texts.paddingMask) as Tensor2D,
      scores: toTensor({ dtype: 'float32', shape, data: scores }) as Tensor2D,
    },
  };
}

function noAnswers(id: string): never {
  throw new DataError({
    code: 'data/no-answers',
    where: WHERE,
    expected: 'questions with their answers, to learn from',
    got: `none for the question ${JSON.stringify(id)}`,
  });
}
