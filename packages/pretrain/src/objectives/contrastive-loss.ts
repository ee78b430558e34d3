import { ops } from '@imglish/core';
import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { PairFeatures } from './objective.js';

/** Logits of every image against every text, scale · image textᵀ `[B, B]`. */
export function similarities({ image, text, scale }: PairFeatures): Tensor2D {
  return ops.mul(scale, ops.matMul(image, ops.transpose(text)));
}

/**
 * Contrastive loss of CLIP: the mean of the cross entropies of images against texts and of texts
 * against images, the partner being right; Σ over the batch (utils.py:652-728):
 * ½ (Σᵢ lse(sᵢ·) + Σⱼ lse(s·ⱼ)) − Σᵢ sᵢᵢ.
 */
export function contrastiveLoss(features: PairFeatures): Scalar {
  const { image, text, scale } = features;
  const perImage = similarities(features);
  const partners = ops.mul(scale, ops.sum(ops.mul(image, text)));
  const images = ops.sum(ops.logSumExp(perImage));
  const texts = ops.sum(ops.logSumExp(ops.transpose(perImage)));
  return ops.sub(ops.mul(ops.add(images, texts), 0.5), partners);
}

/** Unit vectors of all pairs of a step `[N, D]`, as values only. */
export interface AllFeatures {
  image: Tensor2D;
  text: Tensor2D;
}

/**
 * This batch's part of the contrastive loss of a whole step, whose N pairs are spread over batches:
 * Σ over own i of ½ (lse(sᵢ·) + lse(s·ᵢ)) − sᵢᵢ, each row and column over all N.
 *
 * Its gradient by the own vectors is that of *all* rows and columns, in which they are the others'
 * negatives: ∂/∂uᵢ = scale · (Σⱼ ½ (Pᵢⱼ + Qᵢⱼ) vⱼ − vᵢ), P the softmax of rows, Q that of columns.
 * By the scale it is that of the own part. So values and gradients of all batches add up to those of
 * `contrastiveLoss` of one batch with all pairs.
 */
export function gatheredContrastiveLoss(features: PairFeatures, all: AllFeatures): Scalar {
  const { image, text, scale } = features;
  return ops.differentiable<Scalar>(
    [image, text, scale, all.image, all.text],
    (save) => {
      save([image, text, scale, all.image, all.text]);
      const lse = (own: Tensor, others: Tensor) =>
        ops.sum(ops.logSumExp(scaled(own, others, scale)));
      const both = ops.add(lse(image, all.text), lse(text, all.image));
      const partners = ops.mul(scale, ops.sum(ops.mul(image, text)));
      return ops.sub(ops.mul(both, 0.5), partners) as Scalar;
    },
    (dy, [u, v, scale, allU, allV]) => {
      const logits = scaled(allU!, allV!, scale!); // [N, N]
      const rows = ops.logSumExp(logits); // of all images, [N]
      const columns = ops.logSumExp(ops.transpose(logits)); // of all texts, [N]
      const side = (own: Tensor, partner: Tensor, others: Tensor, of: Tensor) => {
        const z = scaled(own, others, scale!); // [b, N]
        const self = ops.exp(ops.sub(z, ops.expandDims(ops.logSumExp(z), 1)));
        const other = ops.exp(ops.sub(z, ops.expandDims(of, 0)));
        const weights = ops.mul(ops.add(self, other), 0.5); // [b, N]
        const gradient = ops.sub(ops.matMul(weights as Tensor2D, others as Tensor2D), partner);
        const mean = ops.sum(ops.mul(self, ops.matMul(own as Tensor2D, ops.transpose(others))));
        return { gradient: ops.mul(ops.mul(dy, scale!), gradient), mean };
      };
      const ofImages = side(u!, v!, allV!, columns);
      const ofTexts = side(v!, u!, allU!, rows);
      const means = ops.mul(ops.add(ofImages.mean, ofTexts.mean), 0.5);
      const ofScale = ops.mul(dy, ops.sub(means, ops.sum(ops.mul(u!, v!))));
      return [ofImages.gradient, ofTexts.gradient, ofScale, ops.scalar(0), ops.scalar(0)];
    },
  );
}

function scaled(own: Tensor, others: Tensor, scale: Tensor): Tensor2D {
  return ops.mul(scale, ops.matMul(own as Tensor2D, ops.transpose(others) as Tensor2D));
}
