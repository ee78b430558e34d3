export { type MaskedText, type MaskVocabulary, maskText } from './mask-text.js';
export { SentencePiece, type TextPiece } from './sentencepiece.js';
export {
  type DecodeOptions,
  type EncodeOptions,
  type ModelText,
  type TextTokenizer,
  textTokenizer,
} from './xlmr.js';
