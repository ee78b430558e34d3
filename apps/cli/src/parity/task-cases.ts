import { type ModelConfig, type Parameters, unidirectionalMask } from '@imglish/core';
import { similarities, type Task, tasks } from '@imglish/tasks';
import type { LossTerm } from '@imglish/train';
import { type Tensor, type Tensor2D, tensor1d, tensor2d, transpose } from '@tensorflow/tfjs-core';
import { type FixtureFile, floats, integers } from './fixture-set.js';

/** A head of the fixtures: how its file becomes a task's inputs, and what is compared. */
export interface TaskCase {
  /** As the fixtures call it: `weights/<head>`, `heads/<head>`, `grads/<head>`. */
  readonly head: string;
  readonly normalizeOutput: boolean;
  forward(parameters: Parameters, config: ModelConfig, file: FixtureFile): Outputs;
  /** The same on a task's own inputs. */
  forwardInputs(parameters: Parameters, config: ModelConfig, inputs: object): Outputs;
  /** What `heads/<head>` holds, by its name there, from what `forward` gives. */
  compared(outputs: Outputs): Record<string, Tensor>;
  /**
   * A loss of losses.json by its name there, which may hold a setting (`loss_label_smoothing_0.1`);
   * `loss` is the one of `grads/`.
   */
  lossNamed(name: string): LossOf | undefined;
}

export type Outputs = Record<string, Tensor>;
export type LossOf = (outputs: Outputs, config: ModelConfig, fixture: LossFixture) => LossTerm;

export interface LossFixture {
  readonly file: FixtureFile;
  /** The head's entry of losses.json. */
  readonly settings: Readonly<Record<string, unknown>>;
}

type AnyTask = Task<never, never, Outputs>;
type Inputs = (file: FixtureFile, config: ModelConfig) => object;
/** What a loss is computed against; `setting` is what the pattern of its name captured. */
type Targets = (fixture: LossFixture, setting: number) => object;

const pixels = (file: FixtureFile, name = 'in.image') => ({ pixels: floats(file[name]!) });
const text = (file: FixtureFile) => ({
  textIds: integers<Tensor2D>(file['in.language_tokens']!),
  paddingMask: floats<Tensor2D>(file['in.padding_mask']!),
});
const labels = ({ file }: LossFixture) => ({ labels: integers(file['in.label']!) });
const logits = (outputs: Outputs) => ({ 'out.logits': outputs.logits! });

/** One case for each head that was released. */
export const TASK_CASES: readonly TaskCase[] = [
  taskCase('classification', tasks.imageClassification as unknown as AnyTask, {
    inputs: (file) => ({ image: pixels(file) }),
    compared: logits,
    losses: [
      [/^loss(?:_ce)?$/, labels],
      [
        /^loss_label_smoothing_([\d.]+)$/,
        (fixture, labelSmoothing) => ({ ...labels(fixture), labelSmoothing }),
      ],
      [/^loss_soft_target$/, ({ file }) => ({ targets: floats(file['in.soft_target']!) })],
    ],
  }),
  taskCase('nlvr2', tasks.visualReasoning as unknown as AnyTask, {
    inputs: (file) => ({ imageA: pixels(file), imageB: pixels(file, 'in.image2'), ...text(file) }),
    compared: logits,
    losses: [[/^loss$/, labels]],
  }),
  taskCase('vqa', tasks.visualQuestionAnswering as unknown as AnyTask, {
    inputs: (file) => ({ image: pixels(file), ...text(file) }),
    compared: logits,
    losses: [[/^loss$/, ({ file }) => ({ scores: floats(file['in.labels']!) })]],
  }),
  taskCase('captioning', tasks.imageCaptioning as unknown as AnyTask, {
    inputs: (file, config) => captioningInputs(file, config, maskedSlots(file)),
    compared: logits,
    losses: [
      [/^loss$/, (fixture) => captioningTargets(fixture, 0)],
      [/^loss_global_step_(\d+)(?:_drop_worst)?$/, captioningTargets],
    ],
  }),
  taskCase('retrieval', tasks.imageTextRetrieval as unknown as AnyTask, {
    inputs: (file) => ({ image: pixels(file), ...text(file) }),
    compared: (outputs) => {
      const perImage = similarities(outputs as never);
      return {
        'out.vision_cls': outputs.image!,
        'out.language_cls': outputs.text!,
        'out.logits_per_image': perImage,
        'out.logits_per_text': transpose(perImage),
      };
    },
    losses: [[/^loss$/, () => ({})]],
  }),
];

function taskCase(
  head: string,
  task: AnyTask,
  parts: {
    inputs: Inputs;
    compared: TaskCase['compared'];
    losses: readonly (readonly [RegExp, Targets])[];
  },
): TaskCase {
  const { inputs, compared, losses } = parts;
  return {
    head,
    normalizeOutput: task.normalizeOutput,
    forward: (parameters, config, file) =>
      task.forward(parameters, config, inputs(file, config) as never),
    forwardInputs: (parameters, config, given) => task.forward(parameters, config, given as never),
    compared,
    lossNamed(name) {
      for (const [pattern, targets] of losses) {
        const match = pattern.exec(name);
        if (!match) continue;
        return (outputs, config, fixture) => {
          const against = targets(fixture, Number(match[1]));
          return task.loss(outputs, { ...inputs(fixture.file, config), ...against } as never);
        };
      }
      return undefined;
    },
  };
}

/** Inputs of the captioning task that predict the words at `slots`. */
export function captioningInputs(
  file: FixtureFile,
  { patchSize }: ModelConfig,
  slots: number[],
): object {
  const [, , height, width] = file['in.image']!.shape as [number, number, number, number];
  const imageLength = 1 + (height / patchSize) * (width / patchSize);
  const textLength = file['in.masked_tokens']!.shape[1]!;
  const total = imageLength + textLength;
  return {
    image: pixels(file),
    textIds: integers(file['in.masked_tokens']!),
    paddingMask: floats(file['in.padding_mask']!),
    attentionMask: tensor2d(unidirectionalMask(imageLength, textLength), [total, total]),
    slots: tensor1d(slots, 'int32'),
  };
}

function captioningTargets({ file, settings }: LossFixture, step: number): object {
  const slots = maskedSlots(file);
  const words = file['in.language_tokens']!.values;
  return {
    labels: tensor1d(
      slots.map((slot) => words[slot]!),
      'int32',
    ),
    weights: tensor1d(slots.map(() => 1)),
    count: slots.length,
    labelSmoothing: settings.label_smoothing,
    dropWorst: step > Number(settings.drop_worst_after) ? settings.drop_worst_ratio : 0,
  };
}

/** Row-major indices of the words that are predicted. */
function maskedSlots(file: FixtureFile): number[] {
  const marks = file['in.language_masked_pos']!.values;
  return [...marks.keys()].filter((i) => marks[i] === 1);
}
