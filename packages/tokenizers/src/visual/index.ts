export { type CodeAgreement, codeAgreement } from './code-agreement.js';
export type { CodebookReport } from './codebook-report.js';
export type { KMeansProgress } from './kmeans.js';
export { KMeansTokenizer, type KMeansTokenizerConfig } from './kmeans-tokenizer.js';
export {
  type KMeansTraining,
  type TrainKMeansOptions,
  trainKMeansTokenizer,
} from './train-kmeans-tokenizer.js';
export type { HostTensor, VisualTokenizer, VisualTokenizerConfig } from './visual-tokenizer.js';
export {
  loadVisualTokenizer,
  saveVisualTokenizer,
  visualTokenizer,
  visualTokenizerFiles,
} from './visual-tokenizers.js';
export * from './vq-kd/index.js';
