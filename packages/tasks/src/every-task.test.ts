import {
  backboneSpecs,
  bytesSink,
  bytesSource,
  initialValues,
  loadCheckpoint,
  loadTensors,
  type ModelConfig,
  openSafetensors,
  type ParameterSpecs,
  type Parameters,
  PRESET_NAMES,
  tensorEntry,
  valueAndGradients,
  writeSafetensors,
} from '@imglish/core';
import { expectAllClose, withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { dispose, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type AnyTask, TASK_BATCHES } from '../test/batches.js';
import { randomParameters, reduced, smallConfig } from '../test/small-model.js';
import { TOY_TASKS, toyTokenizer } from '../test/toy-data.js';
import { type Task, taskModel, tasks } from './index.js';

const MODELS = PRESET_NAMES.flatMap((name) =>
  (['released', 'paper'] as const).map((variant) => ({ name, variant })),
);

const valuesOf = (tensor: Tensor) => Array.from(tensor.dataSync());
const outputsOf = (task: AnyTask, p: Parameters, config: ModelConfig, inputs: object) =>
  tidy(() =>
    Object.entries(task.forward(p, config, inputs as never)).map(([k, v]) => [k, valuesOf(v)]),
  );

async function savedAndLoaded(parameters: Parameters, specs: ParameterSpecs) {
  const sink = bytesSink();
  const entries = Object.entries(parameters).map(([name, tensor]) =>
    tensorEntry(name, 'F32', tensor.shape, Float32Array.from(tensor.dataSync())),
  );
  await writeSafetensors(sink, entries);
  const file = await openSafetensors(bytesSource(sink.bytes()));
  return loadTensors(loadCheckpoint(file, { specs }));
}

/** The numbers of predictions, whatever they are. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return value instanceof Object ? Object.values(value).flatMap(numbersIn) : [];
}

const PREDICT_OPTIONS: Readonly<Record<string, object>> = {
  'image-captioning': { maxLength: 6, beams: 2 },
};

describe.each(TASK_BATCHES)('%s', (key, { task, options, inputs: inputsFor }) => {
  const { normalizeOutput } = task;

  describe.each(MODELS)('on $name, $variant, made small', ({ name, variant }) => {
    const config = reduced(name, variant, normalizeOutput);
    const headSpecs = task.headSpecs(config, options as never);
    const specs = { ...backboneSpecs(config), ...headSpecs };
    const parameters = randomParameters(config, headSpecs);
    const inputs = inputsFor(config);

    it.each([false, true])('forward and backward, recompute: %s', (recompute) => {
      withoutLeaks(() => {
        const { loss, gradients } = valueAndGradients((p) => {
          const outputs = task.forward(p, config, inputs as never, { recompute });
          const { sum, count } = task.loss(outputs, inputs as never);
          expect(count).toBeGreaterThan(0);
          return { loss: sum };
        }, parameters);
        expect(loss.shape).toEqual([]);
        expect(valuesOf(loss)[0]).toBeGreaterThan(0);
        for (const [parameter, gradient] of Object.entries(gradients)) {
          expect(gradient.shape).toEqual(specs[parameter]!.shape);
          expect(valuesOf(gradient).every(Number.isFinite), parameter).toBe(true);
        }
        // the whole head learns
        for (const parameter of Object.keys(headSpecs)) {
          expect(
            valuesOf(gradients[parameter]!).some((x) => x !== 0),
            parameter,
          ).toBe(true);
        }
        dispose([loss, gradients]);
      });
    });

    it('gives the same after saving and loading', async () => {
      const loaded = await savedAndLoaded(parameters, specs);
      expect(outputsOf(task, loaded, config, inputs)).toEqual(
        outputsOf(task, parameters, config, inputs),
      );
      dispose(loaded);
    });

    it('predicts, of examples together what it does of each, and is scored', async () => {
      const { labels, examples } = TOY_TASKS[key];
      const whole = tasks[key] as unknown as Task;
      const preprocessor = whole.preprocessor(config.imageSize);
      const reader = { config, labels, tokenizer: toyTokenizer(), preprocessor };
      const model = taskModel(reader, parameters);
      const some = examples.slice(0, 2);
      const predict = (asked: readonly object[]) =>
        whole.predict(model, asked.map(whole.query), PREDICT_OPTIONS[whole.name]);

      const together = await predict(some);
      const alone = [...(await predict([some[0]!])), ...(await predict([some[1]!]))];
      await model.dispose();
      const numbers = numbersIn(together);
      expect(together).toHaveLength(2);
      expect(numbers.length).toBeGreaterThan(1);
      expectAllClose(numbers, numbersIn(alone));
      const references = some.map((example) => whole.reference(example, labels));
      expect(Object.values(whole.metric(together, references)).every(Number.isFinite)).toBe(true);
    });
  });

  it('is named as its key, in kebab case', () => {
    expect(task.name).toBe(key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  });

  it('gives its outputs to a tidy around it, and nothing else', () => {
    const config = smallConfig({ normalizeOutput });
    const parameters = randomParameters(config, task.headSpecs(config, options as never));
    const inputs = inputsFor(config);
    withoutLeaks(() => {
      tidy(() => {
        const outputs = task.forward(parameters, config, inputs as never);
        expect(task.loss(outputs, inputs as never).sum.rank).toBe(0);
      });
    });
  });

  it('has a head of its own names, which begin finite', () => {
    const config = smallConfig({ normalizeOutput });
    const head = task.headSpecs(config, options as never);
    expect(Object.keys(head).filter((name) => name in backboneSpecs(config))).toEqual([]);
    for (const [name, spec] of Object.entries(head)) {
      expect(initialValues(name, spec, 1).every(Number.isFinite)).toBe(true);
    }
  });
});
