import type { GenerationArguments } from './caption-options.js';
import type { ImageSource } from './read-image.js';
import type {
  AnswerScore,
  FeatureMatrix,
  FilledMask,
  GeneratedText,
  LabelScore,
} from './results.js';

/** Settings of every call. */
export interface CallOptions {
  /** Inputs that are computed at once, default 8. */
  batch_size?: number;
  /** Ends the call before the next batch: it rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface TopOptions extends CallOptions {
  /** How many answers, the best first: default 5, of a text's classes 1. */
  top_k?: number;
}

export interface CaptionCallOptions extends CallOptions, GenerationArguments {}

export interface ZeroShotOptions extends CallOptions {
  /** Text that a label is put into, at `{}`; default `a photo of {}`. */
  hypothesis_template?: string;
}

type One<Input, Options, Result> = {
  (input: Input, options?: Options): Promise<Result>;
  (inputs: readonly Input[], options?: Options): Promise<Result[]>;
};

type Two<First, Second, Options, Result> = {
  (first: First, second: Second, options?: Options): Promise<Result>;
  /** An array beside a single one: that one belongs to all. */
  (
    first: readonly First[],
    second: Second | readonly Second[],
    options?: Options,
  ): Promise<Result[]>;
  (first: First, second: readonly Second[], options?: Options): Promise<Result[]>;
};

type WithLabels<Options, Result> = {
  (image: ImageSource, texts: readonly string[], options?: Options): Promise<Result>;
  (images: readonly ImageSource[], texts: readonly string[], options?: Options): Promise<Result[]>;
};

/** How each pipeline is called: a single input, or an array of them for an array of results. */
export interface PipelineCalls {
  'image-classification': One<ImageSource, TopOptions, LabelScore[]>;
  'text-classification': One<string, TopOptions, LabelScore[]>;
  'visual-question-answering': Two<ImageSource, string, TopOptions, AnswerScore[]>;
  /** Whether a statement about two images, left and right, is true. */
  'visual-reasoning': Two<readonly [ImageSource, ImageSource], string, CallOptions, LabelScore[]>;
  'image-to-text': One<ImageSource, CaptionCallOptions, GeneratedText[]>;
  /** Candidates for the only `<mask>` of a text, or an array of them for each of several. */
  'fill-mask': One<string, TopOptions, FilledMask[] | FilledMask[][]>;
  /** Unit vectors of texts `[inputs, D]`, of one space with those of images. */
  'feature-extraction': (
    texts: string | readonly string[],
    options?: CallOptions,
  ) => Promise<FeatureMatrix>;
  /** Unit vectors of images `[inputs, D]`. */
  'image-feature-extraction': (
    images: ImageSource | readonly ImageSource[],
    options?: CallOptions,
  ) => Promise<FeatureMatrix>;
  'zero-shot-image-classification': WithLabels<ZeroShotOptions, LabelScore[]>;
  /** Cosine of an image and each text, −1 … 1. */
  'image-text-retrieval': WithLabels<CallOptions, number[]>;
}

export type PipelineName = keyof PipelineCalls;

/** A model at work. */
export type Pipeline<Name extends PipelineName = PipelineName> = PipelineCalls[Name] & {
  readonly task: Name;
  /** Frees the model; calls reject from then on. */
  dispose(): Promise<void>;
};
