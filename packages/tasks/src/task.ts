import type {
  Dataset,
  EncoderOptions,
  Executor,
  ModelConfig,
  ParameterSpecs,
  Parameters,
  RgbImage,
} from '@imglish/core';
import type { Pixels, PreprocessorConfig, TextTokenizer } from '@imglish/tokenizers';
import type { Batch, LossTerm } from '@imglish/train';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import type { FineTuningRecipe } from './fine-tuning/recipe.js';
import type { CaptionDecoder } from './image-captioning/generate/index.js';

/**
 * A head on the backbone, and the loss it is tuned by.
 *
 * `Inputs` is a batch as tensors, `Options` what sizes the head, `Outputs` what the head gives.
 * Call `forward` and `loss` inside `tidy` or `valueAndGradients`.
 */
export interface TaskHead<Inputs, Options, Outputs extends Record<string, Tensor>> {
  readonly name: string;
  /** Whether the backbone of this task ends with a norm (reference: modeling_finetune.py). */
  readonly normalizeOutput: boolean;
  /** The head's parameters by their official names; the backbone's are core's `backboneSpecs`. */
  headSpecs(config: ModelConfig, options: Options): ParameterSpecs;
  forward(
    parameters: Parameters,
    config: ModelConfig,
    inputs: Inputs,
    encoder?: EncoderOptions,
  ): Outputs;
  loss(outputs: Outputs, inputs: Inputs): LossTerm;
}

/** The types of a task. */
export interface TaskTypes {
  /** What it learns from: one of core's example types. */
  Example: object;
  /** What it is asked: an example without its answer. */
  Query: object;
  /** What it answers. */
  Prediction: unknown;
  /** The answer of an example, without its images: what a prediction is held against. */
  Reference: unknown;
  /** Settings of `predict`. */
  PredictOptions: object;
  Inputs: object;
  Options: object;
  Outputs: Record<string, Tensor>;
  Recipe: FineTuningRecipe;
}

/** A task of BEiT-3: head and loss, how examples become batches, how answers are read and scored. */
export interface Task<T extends TaskTypes = TaskTypes>
  extends TaskHead<T['Inputs'], T['Options'], T['Outputs']> {
  /**
   * What the labels of a model are: names of classes, or answers it can give. A task without labels
   * has none.
   */
  readonly labels: 'classes' | 'answers' | undefined;
  /** Whether it reads texts, and so needs a tokenizer. */
  readonly readsText: boolean;
  /** Other heads that a model may have of which this one is a part. */
  readonly partOf?: readonly string[];
  /** How often a sample goes through the encoder at once, default 1: so many drop paths it needs. */
  readonly passes?: number;
  /** What sizes the head. */
  options(labels: readonly string[]): T['Options'];
  /** How images become inputs, at that resolution. */
  preprocessor(imageSize: ModelConfig['imageSize']): Required<PreprocessorConfig>;
  /** The official settings for a model, where there are some; see `FineTuningRecipe`. */
  recipe(config: ModelConfig): T['Recipe'];
  /** Examples as tensors, which are the caller's. */
  batch(
    examples: readonly T['Example'][],
    context: BatchContext<T['Recipe']>,
  ): TaskBatch<T['Inputs']>;
  query(example: T['Example']): T['Query'];
  /** Answers of one batch of queries, in their order. */
  predict(
    model: TaskModel,
    queries: readonly T['Query'][],
    options?: T['PredictOptions'],
  ): Promise<T['Prediction'][]>;
  reference(example: T['Example'], labels: readonly string[]): T['Reference'];
  /** Scores of predictions, each beside the reference of its example. */
  metric(predictions: readonly T['Prediction'][], references: readonly T['Reference'][]): Metrics;
  /** The best answer that needs no look at the query, by the references of training data. */
  guess?(references: readonly T['Reference'][], labels: readonly string[]): T['Prediction'];
  /** Scores of the first `count` examples by what training images near in pixels tell. */
  pixels?(
    data: Dataset<T['Example']>,
    training: Dataset<T['Example']>,
    count: number,
  ): Promise<Metrics>;
  /** What answering at random scores, in the mean. */
  chance?(references: readonly T['Reference'][], labels: readonly string[]): Metrics;
}

/** Scores by name; the first one says which of two models is the better, and more is better. */
export type Metrics = Readonly<Record<string, number>>;

/** A batch of a task, ready for `forward` and `loss`. */
export interface TaskBatch<Inputs> extends Batch {
  readonly inputs: Inputs;
  /** What the loss will count. */
  readonly count: number;
  /** What residual branches are multiplied by `[layers, 2, B]`, if there is stochastic depth. */
  readonly dropPath?: Tensor3D | undefined;
}

/** What examples are turned into a batch with. */
export interface BatchContext<Recipe extends FineTuningRecipe = FineTuningRecipe>
  extends TaskReader {
  recipe: Recipe;
  /** Update that the batch belongs to, from 0. */
  step: number;
  /** Pixels of an image of these examples, changed at random; without it they are preprocessed. */
  augmented?: ((image: RgbImage) => Pixels) | undefined;
  /** Number of each sample, counted through the run: what is drawn for it is drawn by that. */
  samples: readonly number[];
}

/** All of a model but its parameters. */
export interface TaskReader {
  config: ModelConfig;
  preprocessor: Required<PreprocessorConfig>;
  /** None where the task reads no texts. */
  tokenizer?: TextTokenizer | undefined;
  /** Names of classes, or answers; none where the task has none. */
  labels: readonly string[];
}

/** A fine-tuned model with all it needs to read and to answer. */
export interface TaskModel extends TaskReader {
  /** Holds the parameters and runs them. */
  executor: Executor;
  /** Writes captions word by word. */
  decoder(): Promise<CaptionDecoder>;
}
