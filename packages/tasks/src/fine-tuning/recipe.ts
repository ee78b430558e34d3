/**
 * Everything that decides a fine-tuning run besides model and data. Plain JSON; a task has settings of
 * its own beside these.
 */
export interface FineTuningRecipe {
  seed: number;
  /** Resolution `[height, width]`. */
  imageSize: [number, number];
  /** Times through the data. */
  epochs: number;
  /** Of them, those of the warm-up. */
  warmupEpochs: number;
  /**
   * How often an epoch visits an example: 5 where the official scripts count each of an image's five
   * captions as an example, else 1.
   */
  visits: number;
  /** Samples of an update. */
  batch: number;
  /** Parts that a batch is computed in, whose gradients are added up. */
  accumulate: number;
  /** Highest learning rate. */
  lr: number;
  /** Where the cosine ends. */
  minLr: number;
  /** Factor of the learning rate per layer of depth; 1 for none. */
  layerDecay: number;
  /** Factor of the learning rate of parameters whose name begins with `head`; only without layer decay. */
  headLrMultiplier: number;
  /** Stochastic depth of the last layer. */
  dropPath: number;
  weightDecay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Gradients are clipped to this norm; `null` for not at all. */
  maxGradientNorm: number | null;
  /** Augmentation of training images, by name: whoever reads the data knows them. */
  augmentation: 'randaugment' | 'imagenet' | 'none';
}

/** What the official scripts share (run_beit3_finetuning.py). */
export const OFFICIAL_DEFAULTS: Omit<FineTuningRecipe, 'imageSize' | 'batch' | 'lr'> = {
  seed: 0,
  epochs: 20,
  warmupEpochs: 5,
  visits: 1,
  accumulate: 1,
  minLr: 1e-6,
  layerDecay: 1,
  headLrMultiplier: 1,
  dropPath: 0.1,
  weightDecay: 0.05,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  maxGradientNorm: null,
  augmentation: 'randaugment',
};
