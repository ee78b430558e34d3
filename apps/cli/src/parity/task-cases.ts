import {
  type HostTensor,
  type HostTensorMap,
  type ModelConfig,
  type Parameters,
  type TensorMap,
  unidirectionalMask,
} from '@imglish/core';
import { keptCount, similarities, type TaskHead, tasks } from '@imglish/tasks';
import type { LossTerm } from '@imglish/train';
import { type Tensor, transpose } from '@tensorflow/tfjs-core';
import { type FixtureFile, floats, integers } from './fixture-set.js';

/** A head of the fixtures: how its file becomes a task's inputs, and what is compared. */
export interface TaskCase {
  /** As the fixtures call it: `weights/<head>`, `heads/<head>`, `grads/<head>`. */
  readonly head: string;
  readonly normalizeOutput: boolean;
  /** What `forward` reads. */
  inputs(file: FixtureFile, config: ModelConfig): HostTensorMap;
  forward(parameters: Parameters, config: ModelConfig, inputs: TensorMap): Outputs;
  /** What `heads/<head>` holds, by its name there, from what `forward` gives. */
  compared(outputs: Outputs): Record<string, Tensor>;
  /**
   * A loss of losses.json by its name there, which may hold a setting (`loss_label_smoothing_0.1`);
   * `loss` is the one of `grads/`.
   */
  lossNamed(name: string, fixture: LossFixture): LossCase | undefined;
}

export type Outputs = Record<string, Tensor>;

export interface LossCase {
  /** What outputs are compared with; no name is that of an input. */
  readonly targets: HostTensorMap;
  loss(outputs: Outputs, targets: TensorMap): LossTerm;
}

export interface LossFixture {
  readonly file: FixtureFile;
  /** The head's entry of losses.json. */
  readonly settings: Readonly<Record<string, unknown>>;
}

type AnyTask = TaskHead<never, never, Outputs>;

/** What a loss is computed against; `setting` is what the pattern of its name captured. */
type Targets = (
  fixture: LossFixture,
  setting: number,
) => { tensors: HostTensorMap; settings?: object };

const textOf = (file: FixtureFile): HostTensorMap => ({
  textIds: integers(file['in.language_tokens']!),
  paddingMask: floats(file['in.padding_mask']!),
});
const imageAndText = (file: FixtureFile): HostTensorMap => ({
  pixels: floats(file['in.image']!),
  ...textOf(file),
});
/** The task's inputs where the image is one. */
const withImage = ({ pixels, ...rest }: TensorMap) => ({ image: { pixels }, ...rest });
const labels = ({ file }: LossFixture) => ({ tensors: { labels: integers(file['in.label']!) } });
const logits = (outputs: Outputs) => ({ 'out.logits': outputs.logits! });

/** One case for each head that was released. */
export const TASK_CASES: readonly TaskCase[] = [
  taskCase('classification', tasks.imageClassification as unknown as AnyTask, {
    inputs: (file) => ({ pixels: floats(file['in.image']!) }),
    given: withImage,
    compared: logits,
    losses: [
      [/^loss(?:_ce)?$/, labels],
      [
        /^loss_label_smoothing_([\d.]+)$/,
        (fixture, labelSmoothing) => ({ ...labels(fixture), settings: { labelSmoothing } }),
      ],
      [
        /^loss_soft_target$/,
        ({ file }) => ({ tensors: { targets: floats(file['in.soft_target']!) } }),
      ],
    ],
  }),
  taskCase('nlvr2', tasks.visualReasoning as unknown as AnyTask, {
    inputs: (file) => ({ ...imageAndText(file), pixelsB: floats(file['in.image2']!) }),
    given: ({ pixels, pixelsB, ...text }) => ({
      imageA: { pixels },
      imageB: { pixels: pixelsB },
      ...text,
    }),
    compared: logits,
    losses: [[/^loss$/, labels]],
  }),
  taskCase('vqa', tasks.visualQuestionAnswering as unknown as AnyTask, {
    inputs: imageAndText,
    given: withImage,
    compared: logits,
    losses: [[/^loss$/, ({ file }) => ({ tensors: { scores: floats(file['in.labels']!) } })]],
  }),
  taskCase('captioning', tasks.imageCaptioning as unknown as AnyTask, {
    inputs: (file, config) => captioningInputs(file, config, maskedSlots(file)),
    given: withImage,
    compared: logits,
    losses: [
      [/^loss$/, (fixture) => captioningTargets(fixture, 0)],
      [/^loss_global_step_(\d+)(?:_drop_worst)?$/, captioningTargets],
    ],
  }),
  taskCase('retrieval', tasks.imageTextRetrieval as unknown as AnyTask, {
    inputs: imageAndText,
    given: withImage,
    compared: (outputs) => {
      const perImage = similarities(outputs as never);
      return {
        'out.vision_cls': outputs.image!,
        'out.language_cls': outputs.text!,
        'out.logits_per_image': perImage,
        'out.logits_per_text': transpose(perImage),
      };
    },
    losses: [[/^loss$/, () => ({ tensors: {} })]],
  }),
];

function taskCase(
  head: string,
  task: AnyTask,
  parts: Pick<TaskCase, 'inputs' | 'compared'> & {
    /** The inputs as the task takes them. */
    given: (inputs: TensorMap) => object;
    losses: readonly (readonly [RegExp, Targets])[];
  },
): TaskCase {
  const { inputs, given, compared, losses } = parts;
  return {
    head,
    normalizeOutput: task.normalizeOutput,
    inputs,
    forward: (parameters, config, tensors) =>
      task.forward(parameters, config, given(tensors) as never),
    compared,
    lossNamed(name, fixture) {
      for (const [pattern, targets] of losses) {
        const match = pattern.exec(name);
        if (!match) continue;
        const { tensors, settings } = targets(fixture, Number(match[1]));
        return {
          targets: tensors,
          loss: (outputs, against) => task.loss(outputs, { ...against, ...settings } as never),
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
  slots: readonly number[],
): HostTensorMap {
  const [, , height, width] = file['in.image']!.shape as [number, number, number, number];
  const imageLength = 1 + (height / patchSize) * (width / patchSize);
  const textLength = file['in.masked_tokens']!.shape[1]!;
  const total = imageLength + textLength;
  const mask = Float32Array.from(unidirectionalMask(imageLength, textLength));
  return {
    pixels: floats(file['in.image']!),
    textIds: integers(file['in.masked_tokens']!),
    paddingMask: floats(file['in.padding_mask']!),
    attentionMask: { dtype: 'float32', shape: [total, total], data: mask },
    slots: int32(slots),
  };
}

function captioningTargets({ file, settings }: LossFixture, step: number): ReturnType<Targets> {
  const slots = maskedSlots(file);
  const words = file['in.language_tokens']!.values;
  const dropping = step > Number(settings.drop_worst_after);
  const count = dropping
    ? keptCount(slots.length, Number(settings.drop_worst_ratio))
    : slots.length;
  return {
    tensors: {
      labels: int32(slots.map((slot) => words[slot]!)),
      weights: ones(slots.length, slots.length),
      ...(dropping ? { places: ones(count, slots.length) } : {}),
    },
    settings: { count, labelSmoothing: settings.label_smoothing },
  };
}

/** Row-major indices of the words that are predicted. */
function maskedSlots(file: FixtureFile): number[] {
  const marks = file['in.language_masked_pos']!.values;
  return [...marks.keys()].filter((i) => marks[i] === 1);
}

/** `count` ones, then zeros. */
function ones(count: number, length: number): HostTensor {
  return { dtype: 'float32', shape: [length], data: new Float32Array(length).fill(1, 0, count) };
}

function int32(values: readonly number[]): HostTensor {
  return { dtype: 'int32', shape: [values.length], data: Int32Array.from(values) };
}
