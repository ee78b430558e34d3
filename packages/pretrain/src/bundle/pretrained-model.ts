import type { ModelConfig, Parameters } from '@imglish/core';
import type { PreprocessorConfig, TextTokenizer, VisualTokenizer } from '@imglish/tokenizers';

/** A pretrained model with all it needs to read and to answer. */
export interface PretrainedModel {
  config: ModelConfig;
  parameters: Parameters;
  tokenizer: TextTokenizer;
  visualTokenizer: VisualTokenizer;
  preprocessor: Required<PreprocessorConfig>;
}
