import { defaultPreprocessor } from '@imglish/tokenizers';
import { dispose } from '@tensorflow/tfjs-core';
import { type PretrainedModel, pretrain, pretrainRecipe } from '../src/index.js';
import { COLOURS, datasetOf, mosaic, toyConfig, toyTokenizers } from './toy.js';

/** A model of 2 × 2 patches that has learnt five pairs by heart: a plain picture, and its caption. */
export async function overfitModel(): Promise<PretrainedModel> {
  const config = toyConfig({ imageSize: [4, 4], dim: 16, ffnDim: 32, layers: 1 });
  const tokenizers = { ...toyTokenizers(), preprocessor: defaultPreprocessor([4, 4]) };
  const pairs = Object.keys(COLOURS).map((name, code) => ({
    id: name,
    image: mosaic([code, code, code, code]),
    captions: [`${name} above ${name}`],
  }));
  const { state } = await pretrain({
    config,
    ...tokenizers,
    texts: datasetOf([]),
    images: datasetOf([]),
    pairs: datasetOf(pairs),
    recipe: pretrainRecipe({
      steps: 60,
      mix: { text: 0, image: 0, pair: 5 },
      maxCaptionLength: 5,
      lr: 2e-2,
      warmupSteps: 5,
    }),
  });
  dispose(state.moments as never);
  return { config, parameters: state.parameters, ...tokenizers };
}
