export { centerCrop, crop } from './crop.js';
export { decodeImage } from './decode-image.js';
export type { DecodeImageOptions } from './decode-options.js';
export { decodeJpeg } from './jpeg/decode-jpeg.js';
export { type Patches, type PatchGrid, patchify, unpatchify } from './patches.js';
export {
  HALF_NORMALIZATION,
  type Normalization,
  type Pixels,
  toImage,
  toPixels,
} from './pixels.js';
export { decodePng } from './png/decode-png.js';
export { decodePngLabels } from './png/decode-png-labels.js';
export { encodePng } from './png/encode-png.js';
export { preprocessImage } from './preprocess.js';
export {
  defaultPreprocessor,
  imagenetPreprocessor,
  type PreprocessorConfig,
  parsePreprocessorConfig,
} from './preprocessor-config.js';
export { type Resample, resize } from './resize.js';
export { type ImageFormat, sniffImageFormat } from './sniff.js';
