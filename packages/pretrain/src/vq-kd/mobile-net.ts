import {
  type Backend,
  disposeAll,
  executorFor,
  ops,
  type Traceable,
  toTensor,
} from '@imglish/core';
import { type GraphModelFiles, openGraphModel } from './graph-model.js';
import { modelTeacher, type Teacher } from './teachers.js';

/** The layer whose features find the same thing in another style best; the last ones do worse. */
const LAYER = 'expanded_conv_12/add';
/** Pixels that one of its features stands for. */
const STRIDE = 16;

/**
 * MobileNetV2 as a teacher: `MobileNetV2MidModel` of the package `nsfwjs` (MIT), 136 numbers for each
 * patch. Pictures are resized to 16 pixels for each patch, whatever the tokenizer's own patch size.
 * Dispose it when training has ended.
 */
export async function mobileNetTeacher(
  files: GraphModelFiles,
  backend: Pick<Backend, 'compiler'> = {},
): Promise<Teacher> {
  const model = await openGraphModel(files);
  const tensors = Object.entries(model.weights).map(
    ([name, values]) => [name, toTensor(values)] as const,
  );
  const weights = Object.fromEntries(tensors);
  const executor = executorFor(backend, weights, { freeSizes: { pictures: { 0: 'pictures' } } });
  const look: Traceable = function look({ pictures }, parameters) {
    const input = ops.transpose(pictures!, [0, 2, 3, 1]); // [B, H, W, 3]
    const features = model.run(LAYER, { input }, parameters); // [B, h, w, T]
    return { features: ops.transpose(features, [0, 3, 1, 2]) };
  };
  const bias = Object.entries(model.weights).find(([name]) =>
    /expanded_conv_12\/project\/Conv2D_bn_offset$/.test(name),
  );
  return modelTeacher({
    name: 'mobilenet',
    dim: bias![1].shape[0]!,
    preprocessor: ([h, w]) => ({
      ...{ size: [STRIDE * h, STRIDE * w], mean: [0, 0, 0], std: [1, 1, 1] },
    }),
    async run(pictures) {
      const { features } = await executor.run(look, { pictures });
      return { shape: features!.shape, data: features!.data as Float32Array };
    },
    async dispose() {
      await executor.dispose();
      disposeAll(weights);
    },
  });
}
