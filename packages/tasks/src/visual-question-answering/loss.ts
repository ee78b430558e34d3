import { ops } from '@imglish/core';
import type { LossTerm } from '@imglish/train';
import type { Tensor2D } from '@tensorflow/tfjs-core';

/** Soft scores of every answer `[B, answers]`: an answer given by n of ten people has min(1, 0.3 n). */
export interface AnswerScores {
  scores: Tensor2D;
}

/**
 * Σ over samples and answers of the binary cross entropy; per sample that is the reference's mean
 * over all elements times the number of answers (engine_for_finetuning.py:201-209).
 */
export function loss({ logits }: { logits: Tensor2D }, { scores }: AnswerScores): LossTerm {
  return { sum: ops.sum(ops.binaryCrossEntropy(logits, scores)), count: logits.shape[0] };
}
