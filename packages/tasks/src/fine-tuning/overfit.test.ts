import '@tensorflow/tfjs-backend-cpu';
import { backboneSpecs, initializeParameters } from '@imglish/core';
import { withInitialization } from '@imglish/pretrain';
import { dispose } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { datasetOf, TOY_TASKS, toyConfig, toyTokenizer } from '../../test/toy-data.js';
import { type Task, taskModel, tasks } from '../index.js';
import { evaluateTask } from './evaluate.js';
import { fineTune } from './fine-tune.js';
import { fineTuningRecipe } from './recipe.js';

/** Learnt by heart at that loss. */
const LEARNT = 0.05;
const MOST_STEPS = 300;

it.each(Object.keys(TOY_TASKS) as (keyof typeof tasks)[])(
  '%s: sixteen examples are learnt by heart',
  async (key) => {
    const task = tasks[key] as unknown as Task;
    const { labels, examples } = TOY_TASKS[key];
    const config = toyConfig(task.normalizeOutput);
    const reader = {
      config,
      labels,
      tokenizer: toyTokenizer(),
      preprocessor: task.preprocessor(config.imageSize),
    };
    const specs = {
      ...backboneSpecs(config),
      ...task.headSpecs(config, task.options(labels)),
    };
    const parameters = initializeParameters(withInitialization(specs, 'fan-in'), 1);
    const recipe = fineTuningRecipe(task, config, {
      batch: 16,
      lr: 5e-3,
      warmupEpochs: 0.3,
      ...(key === 'imageClassification' ? { mixup: 0, cutmix: 0, labelSmoothing: 0 } : {}),
      ...(key === 'imageCaptioning' ? { labelSmoothing: 0 } : {}),
    });
    const data = datasetOf(examples);
    const done = new AbortController();
    const { parameters: tuned } = await fineTune({
      task,
      reader,
      recipe,
      parameters,
      data,
      steps: MOST_STEPS,
      signal: done.signal,
      onStep: ({ total }) => {
        if (total < LEARNT) done.abort();
      },
    });
    const model = taskModel(reader, tuned);
    const { metrics, predictions, references } = await evaluateTask(task, model, data, {
      batch: 5,
    });
    const [first] = Object.values(metrics);
    if (key === 'imageCaptioning') {
      const right = predictions.filter((prediction, i) => {
        const { captions } = references[i] as { captions: string[] };
        return captions.includes((prediction as { caption: string }).caption);
      });
      expect(right.length).toBeGreaterThanOrEqual(0.95 * examples.length);
    } else expect(first).toBeGreaterThanOrEqual(0.95);
    await model.dispose();
    dispose([parameters, tuned]);
  },
);
