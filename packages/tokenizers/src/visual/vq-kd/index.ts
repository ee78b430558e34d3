export * from './codebook.js';
export * from './config.js';
export { vqKdPixels } from './pixel-range.js';
export { nearestCodes, type Quantized, quantize, squaredDistances } from './quantize.js';
export { isLearntByGradient, VQ_KD_IGNORED, VQ_KD_NO_DECAY, vqKdSpecs } from './specs.js';
export * from './spherical-kmeans.js';
export { visionTransformer } from './vision-transformer.js';
export * from './vq-kd.js';
export { VqKdTokenizer, type VqKdTokenizerConfig } from './vq-kd-tokenizer.js';
