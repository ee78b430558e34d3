import { type ClassificationExample, draw, toTensor } from '@imglish/core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { hostPatches, imageTensor, modelPixels } from '../inputs/images.js';
import { checkLabel } from '../inputs/labels.js';
import type { BatchContext, TaskBatch } from '../task.js';
import type { ClassificationInputs } from './index.js';
import { mixImages } from './mix.js';
import type { ClassificationRecipe } from './recipe.js';

/** Images, mixed as the recipe says, with soft targets `[B, classes]`. */
export function batch(
  examples: readonly ClassificationExample[],
  context: BatchContext<ClassificationRecipe>,
): TaskBatch<ClassificationInputs> {
  const { config, recipe, labels, samples } = context;
  const classes = labels.length;
  const size = examples.length;
  const targets = new Float32Array(size * classes).fill(recipe.labelSmoothing / classes);
  const { images, share } = mixImages(
    examples.map(({ image }) => modelPixels(context, image)),
    recipe,
    draw(recipe.seed, 'mix', samples[0]),
  );
  examples.forEach(({ id, label }, i) => {
    const right = checkLabel('imageClassification.batch', id, label, labels);
    targets[i * classes + right]! += share * (1 - recipe.labelSmoothing);
    targets[(size - 1 - i) * classes + right]! += (1 - share) * (1 - recipe.labelSmoothing);
  });
  return {
    size,
    count: size,
    inputs: {
      image: imageTensor(config, hostPatches(config, images)),
      targets: toTensor({ dtype: 'float32', shape: [size, classes], data: targets }) as Tensor2D,
    },
  };
}
