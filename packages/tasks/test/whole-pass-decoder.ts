import {
  type ModelConfig,
  ops,
  type Parameters,
  patchGrid,
  toTensor,
  unidirectionalMask,
} from '@imglish/core';
import { type Tensor2D, type Tensor4D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { CaptionDecoder } from '../src/image-captioning/generate/decoder.js';
import { forward } from '../src/image-captioning/head.js';

/** Keeps no state: every word is found by a whole pass over image and text. */
export function wholePassDecoder(parameters: Parameters, config: ModelConfig): CaptionDecoder {
  const [rows, columns] = patchGrid(config);
  const imageLength = 1 + rows * columns;
  return {
    config,
    async begin(pixels, { beams, candidates, maskId }) {
      let texts: number[][] = Array.from({ length: pixels.shape[0]! * beams }, () => []);
      return {
        async step(words, parents) {
          texts = Array.from(words, (word, i) => [...texts[parents[i]!]!, word]);
          const length = texts[0]!.length + 1;
          return tidy(() => {
            const total = imageLength + length;
            const ids = texts.flatMap((text) => [...text, maskId]);
            const of = Int32Array.from(texts, (_, i) => Math.floor(i / beams));
            const { logits } = forward(parameters, config, {
              image: { pixels: ops.gather(toTensor(pixels), tensor1d(of, 'int32')) as Tensor4D },
              textIds: tensor2d(ids, [texts.length, length], 'int32'),
              attentionMask: tensor2d(unidirectionalMask(imageLength, length), [total, total]),
              slots: tensor1d(
                texts.map((_, i) => (i + 1) * length - 1),
                'int32',
              ),
            });
            return logSoftmaxes(logits).map((logProbs) => {
              const order = Int32Array.from(logProbs.keys());
              if (candidates === 'all') return { ids: order, logProbs };
              order.sort((a, b) => logProbs[b]! - logProbs[a]!);
              const top = order.slice(0, candidates);
              return { ids: top, logProbs: Float32Array.from(top, (id) => logProbs[id]!) };
            });
          });
        },
        async dispose() {},
      };
    },
    async dispose() {},
  };
}

function logSoftmaxes(logits: Tensor2D): Float32Array[] {
  return (logits.arraySync() as number[][]).map((row) => {
    const top = Math.max(...row);
    const norm = top + Math.log(row.reduce((sum, z) => sum + Math.exp(z - top), 0));
    return Float32Array.from(row, (z) => z - norm);
  });
}
