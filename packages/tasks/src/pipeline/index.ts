export type { GenerationArguments } from './caption-options.js';
export { type CreatePipelineOptions, createPipeline, PIPELINE_NAMES } from './create-pipeline.js';
export type {
  CallOptions,
  CaptionCallOptions,
  Pipeline,
  PipelineCalls,
  PipelineName,
  TopOptions as TopCallOptions,
  ZeroShotOptions,
} from './pipeline.js';
export { fetchBytes, type ImageSource, type ReadImageOptions, readImage } from './read-image.js';
export type {
  AnswerScore,
  FeatureMatrix,
  FilledMask,
  GeneratedText,
  LabelScore,
} from './results.js';
