import { ConfigError } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { findTask, loadTaskModel, TASK_NAMES, type Task } from '@imglish/tasks';
import { decodeAnyImage } from '@imglish/tokenizers/node';
import { Argument, type Command } from 'commander';
import { openBackend } from '../model/backend.js';
import { readBytes } from '../model/read-file.js';
import { integer } from './options.js';

interface PredictOptions {
  model: string;
  threads?: number;
  backend?: string;
}

/** What each task is asked: so many images, and whether a text. */
const ASKED: Readonly<Record<string, { images: number; text: string | undefined }>> = {
  'image-classification': { images: 1, text: undefined },
  'image-captioning': { images: 1, text: undefined },
  'visual-question-answering': { images: 1, text: 'question' },
  'visual-reasoning': { images: 2, text: 'statement' },
  'image-text-retrieval': { images: 1, text: 'texts' },
  'text-classification': { images: 0, text: 'text' },
  'fill-mask': { images: 0, text: 'text' },
};

/** `imglish predict`: what a tuned model says of an image, a text or both, as JSON. */
export function registerPredict(program: Command): void {
  program
    .command('predict')
    .description('ask a tuned model; prints JSON')
    .addArgument(new Argument('<task>', 'what it was tuned for').choices([...TASK_NAMES]))
    .argument('<inputs...>', 'image files, then the text, where the task reads them')
    .requiredOption('--model <directory>', 'a model of that task')
    .option('--threads <count>', 'processor threads to compute on; by default all', integer(1))
    .option('--backend <name>', 'engine to compute with; by default the first that works')
    .action(async (name: string, inputs: string[], options: PredictOptions) => {
      const task = findTask(name);
      const query = await queryOf(task, inputs);
      const { backend } = await openBackend(options.backend, options.threads);
      const model = await loadTaskModel(fileDirectory(options.model), task, backend);
      try {
        const [prediction] = await task.predict(model, [query]);
        console.log(JSON.stringify(shown(task, prediction, inputs), null, 2));
      } finally {
        await model.dispose();
      }
    });
}

async function queryOf(task: Task, inputs: readonly string[]): Promise<object> {
  const { images: count, text } = ASKED[task.name]!;
  const texts = inputs.slice(count);
  const fits =
    inputs.length >= count && (text === undefined ? texts.length === 0 : texts.length > 0);
  if (!fits || (text !== 'texts' && texts.length > 1)) {
    throw new ConfigError({
      code: 'config/predict-inputs',
      where: 'imglish predict',
      expected: `${count} images${text ? ` and then the ${text}` : ''} for ${task.name}`,
      got: `${inputs.length} inputs`,
    });
  }
  const images = [];
  for (const file of inputs.slice(0, count))
    images.push(await decodeAnyImage(await readBytes(file)));
  return {
    ...(count === 1 ? { image: images[0] } : {}),
    ...(count === 2 ? { images } : {}),
    ...(text ? { [text]: text === 'texts' ? texts : texts[0] } : {}),
  };
}

/** Of vectors their similarities, which is what one wants to see. */
function shown(task: Task, prediction: unknown, inputs: readonly string[]): unknown {
  if (task.name !== 'image-text-retrieval') return prediction;
  const { image, texts } = prediction as { image: Float32Array; texts: Float32Array[] };
  return texts.map((vector, i) => ({
    text: inputs[i + 1],
    similarity: vector.reduce((sum, x, k) => sum + x * image[k]!, 0),
  }));
}
