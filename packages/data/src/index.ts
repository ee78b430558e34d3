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
export {
  ANSWER_FILE,
  type AnswerTargets,
  answerScore,
  answerTargets,
  answerVocabulary,
  formatAnswerVocabulary,
  parseAnswerVocabulary,
} from './vqav2/answer-vocabulary.js';
