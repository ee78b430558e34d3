export type { OnnxOptions } from './compiler/onnx.js';
export {
  type ExportedModel,
  type ExportOptions,
  exportOnnx,
  PRECISIONS,
  type Precision,
} from './export/export-onnx.js';
export type { WrittenFile } from './export/write-model.js';
export type {
  Attribute,
  Attributes,
  ConstantData,
  Graph,
  NamedValue,
  Node,
  Value,
} from './graph/graph.js';
export { evaluate, type Polynomial, type Size, type SizeValues, showSize } from './graph/size.js';
export { type OnnxWebOptions, onnx } from './onnx.js';
export type { Device, EngineOptions } from './runtime/engine.js';
export type { WebEngineOptions } from './runtime/web-engine.js';
