export {
  type Directory,
  httpDirectory,
  memoryDirectory,
  type ReadableDirectory,
} from './directory.js';
export {
  type DataOf,
  type DType,
  decode,
  elementCount,
  ITEM_BYTES,
  type TensorData,
  toFloat32,
} from './dtype.js';
export * from './http-source.js';
export { readJsonObject } from './json.js';
export * from './load-checkpoint.js';
export * from './load-tensors.js';
export * from './model-directory.js';
export * from './open-checkpoint.js';
export { type ParameterSourceOptions, parameterSource } from './parameter-source.js';
export { InertObject } from './pickle.js';
export { type Grid, resizePositions } from './resize-positions.js';
export { openSafetensors, writeSafetensors } from './safetensors.js';
export { openShards, planShards, type ShardPlan } from './shards.js';
export {
  type StoredAt,
  type StoredTensor,
  type TensorEntry,
  type TensorFile,
  tensorEntry,
} from './tensor-file.js';
export { TorchStorage, TorchTensor } from './torch-globals.js';
export { openTorch, type TorchFile } from './torch-reader.js';
export { writeTorch } from './torch-writer.js';
