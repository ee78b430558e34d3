import { ops } from '@imglish/core';
import type { LossTerm } from '@imglish/train';
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import type { RetrievalOutputs } from './head.js';

/** logits of every image against every text, scale · image textᵀ `[B, B]`. */
export function similarities({ image, text, scale }: RetrievalOutputs): Tensor2D {
  return ops.mul(scale, ops.matMul(image, ops.transpose(text)));
}

/**
 * Contrastive loss of CLIP: the mean of the cross entropies of images against texts and of texts
 * against images, the partner being right; Σ over the batch (utils.py:652-728):
 * ½ (Σᵢ lse(sᵢ·) + Σⱼ lse(s·ⱼ)) − Σᵢ sᵢᵢ.
 */
export function loss(outputs: RetrievalOutputs): LossTerm {
  const perImage = similarities(outputs);
  const partners = ops.mul(outputs.scale, ops.sum(ops.mul(outputs.image, outputs.text)));
  const images = ops.sum(ops.logSumExp(perImage));
  const texts = ops.sum(ops.logSumExp(ops.transpose(perImage)));
  const mean = ops.mul(ops.add(images, texts), 0.5) as Scalar;
  return { sum: ops.sub(mean, partners), count: perImage.shape[0] };
}
