export * from './captions/caption-folder.js';
export * from './captions/parse-captions.js';
export * from './node/file-reader.js';
export * from './node/file-root.js';
export * from './node/open-task-data.js';
export * from './node/prepare-data.js';
export * from './node/record-index.js';
export {
  type ImageDecoder,
  type ImageDecoderOptions,
  imageDecoder,
} from './streaming/node/image-decoder.js';
export * from './streaming/node/open-shards.js';
export type { IndexedShard } from './streaming/node/shard-index.js';
export * from './streaming/node/write/write-shards.js';
export * from './texts/text-files.js';
