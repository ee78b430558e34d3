export {
  type Beit3Inputs,
  type Beit3Output,
  beit3,
} from './beit3.js';
export {
  type ModelConfig,
  type ModelConfigInput,
  modelConfig,
  nearestName,
  patchGrid,
  rejectUnknownKeys,
  type Variant,
  type Way,
} from './config.js';
export {
  beginDecoding,
  type Decoded,
  type DecodingState,
  decodeStep,
  disposeDecodingState,
  encodeImages,
  type ImageState,
  type LayerState,
  prefill,
  reorderTexts,
} from './decoding.js';
export {
  countParameters,
  describeModel,
  type ModelDescription,
  type ParameterCounts,
  type PassFlops,
} from './describe.js';
export { drawDropPath, dropPathRates } from './drop-path.js';
export {
  addPositions,
  type EmbeddedSegment,
  embedImage,
  embedText,
  type ImageInput,
} from './embeddings.js';
export { type EncoderOptions, type EncoderOutput, encode } from './encoder.js';
export type { Probe } from './layer.js';
export { unidirectionalMask } from './masks.js';
export { type HeadJson, type ModelJson, parseModelJson } from './model-json.js';
export { firstVectors, namedLinear, namedNorm } from './modules.js';
export { bicubicMatrix, imagePositions } from './positions.js';
export { PRESET_NAMES, type PresetName, preset } from './presets.js';
export {
  expertFor,
  expertsOf,
  FUSION,
  inputWays,
  LANGUAGE,
  type Mode,
  modeOf,
  type Part,
  type Segment,
  VISION,
} from './routing.js';
export {
  backboneSpecs,
  expertName,
  FIRST_POSITION,
  linearSpecs,
  normSpecs,
} from './specs.js';
