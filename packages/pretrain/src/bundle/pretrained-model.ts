import type { Executor, ModelConfig, Parameters } from '@imglish/core';
import type { PreprocessorConfig, TextTokenizer, VisualTokenizer } from '@imglish/tokenizers';

/** A pretrained model with all it needs to read and to answer. */
export interface PretrainedModel {
  config: ModelConfig;
  parameters: Parameters;
  tokenizer: TextTokenizer;
  visualTokenizer: VisualTokenizer;
  preprocessor: Required<PreprocessorConfig>;
}

/** The same where something else holds the parameters and runs them. */
export interface ServedModel extends Omit<PretrainedModel, 'parameters'> {
  /** Of all parameters of the model; its head has as many codes as the visual tokenizer. */
  executor: Executor;
}
