export { type DecodeAnyImageOptions, decodeAnyImage } from './image/node/decode-any-image.js';
