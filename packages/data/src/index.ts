export {
  type Augmentation,
  type AugmentationKey,
  augmentImage,
  imagenetAugmentation,
  pretrainingAugmentation,
  visionLanguageAugmentation,
} from './augmentation/augment-image.js';
export { type ColorJitter, colorJitter } from './augmentation/color-jitter.js';
export { brightness, contrast, saturation, sharpness } from './augmentation/enhance.js';
export { type CropOptions, flipHorizontally, randomResizedCrop } from './augmentation/geometry.js';
export {
  type AugmentOperation,
  imagenetPolicy,
  type RandAugmentPolicy,
  randAugment,
  visionLanguagePolicy,
} from './augmentation/rand-augment.js';
export { eraseRandomly } from './augmentation/random-erasing.js';
export {
  autoContrast,
  equalize,
  invert,
  posterize,
  solarize,
  solarizeAdd,
} from './augmentation/tone.js';
export {
  decodeRunLengths,
  maskOfPolygon,
  maskOfRunLengths,
  type RunLengths,
  unionOfMasks,
} from './coco/mask.js';
export * from './dataset/dataset.js';
export * from './dataset/order.js';
export * from './dataset/split.js';
export type {
  DataFormat,
  DataTask,
  FileReader,
  NormalizeAnswer,
  SplitOf,
  TaskData,
} from './formats/format.js';
export { dataFormat, dataFormats, findFormat } from './formats/formats.js';
export type { DataFiles } from './records/files.js';
export type { OnProblem } from './records/record-error.js';
export { expandBraces } from './streaming/brace-expansion.js';
export type { EncodedPair } from './streaming/encoded-pair.js';
export { type ParquetShardsOptions, parquetShards } from './streaming/parquet/parquet-shards.js';
export * from './streaming/sample-stream.js';
export * from './streaming/shard.js';
export { shardDataset } from './streaming/shard-dataset.js';
export type { BrokenOptions, BrokenRecord } from './streaming/sound-records.js';
export { type TarShardOptions, tarShard } from './streaming/tar/tar-shard.js';
export {
  ANSWER_FILE,
  type AnswerTargets,
  answerScore,
  answerTargets,
  answerVocabulary,
  formatAnswerVocabulary,
  parseAnswerVocabulary,
} from './vqav2/answer-vocabulary.js';
