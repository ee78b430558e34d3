export { type LengthBucket, type LengthBucketOptions, lengthBuckets } from './length-buckets.js';
export { type MaskedText, type MaskVocabulary, maskText } from './mask-text.js';
export { SentencePiece, type TextPiece } from './sentencepiece.js';
export {
  type TrainProgress,
  type TrainReport,
  type TrainUnigramOptions,
  trainUnigram,
} from './trainer/train.js';
export {
  type DecodeOptions,
  type EncodeOptions,
  type ModelText,
  type TextTokenizer,
  textTokenizer,
} from './xlmr.js';
