export { captionDecoderFor, compiledCaptionDecoder } from './compiled-decoder.js';
export type {
  CaptionDecoder,
  CaptionVocabulary,
  Decoding,
  DecodingOptions,
  NextWords,
} from './decoder.js';
export { eagerCaptionDecoder } from './eager-decoder.js';
export { type CaptionToken, generateCaptions, streamCaptions } from './generate.js';
export type {
  BeamOptions,
  CaptionOptions,
  GreedyOptions,
  SamplingSearchOptions,
} from './options.js';
export type { Caption, Hypothesis } from './search.js';
