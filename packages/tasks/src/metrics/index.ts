export { bleu } from './bleu.js';
export { type CaptionMetrics, captionMetrics, type ReferencedCaption } from './caption-metrics.js';
export { ciderD } from './cider-d.js';
export { meteorExactStem } from './meteor/meteor-exact-stem.js';
export { type JudgedStatement, type Nlvr2Accuracy, nlvr2Accuracy } from './nlvr2-accuracy.js';
export { normalizeAnswer } from './normalize-answer.js';
export { type RetrievalRecall, type RetrievalRow, retrievalRecall } from './retrieval-recall.js';
export { rougeL } from './rouge-l.js';
export {
  captionSubmission,
  type GivenAnswer,
  type GivenCaption,
  vqaSubmission,
} from './submissions.js';
export { tokenizeCaption } from './tokenize-caption.js';
export type { TokenizedCaption } from './tokenized-caption.js';
export { topKAccuracy } from './top-k-accuracy.js';
export { type AnsweredQuestion, type VqaAccuracy, vqaAccuracy } from './vqa-accuracy.js';
export { answerScore, answerScores, vqaScore } from './vqa-score.js';
