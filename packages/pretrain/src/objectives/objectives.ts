import type { ModelConfig, ParameterSpecs } from '@imglish/core';
import type { StreamMix } from '../batches/pretrain-batches.js';
import { imageTextContrastive } from './image-text-contrastive.js';
import { imageTextMatching } from './image-text-matching.js';
import { languageModelling } from './language-modelling.js';
import type { Objective } from './objective.js';
import { pixelRegression } from './pixel-regression.js';
import { maskedDataModelling } from './pretrain-loss.js';

/** All objectives by name: a new one is a file of its own, and a line here. */
export const OBJECTIVES: {
  readonly 'masked-data-modelling': typeof maskedDataModelling;
  readonly 'image-text-contrastive': typeof imageTextContrastive;
  readonly 'image-text-matching': typeof imageTextMatching;
  readonly 'language-modelling': typeof languageModelling;
  readonly 'pixel-regression': typeof pixelRegression;
} = {
  'masked-data-modelling': maskedDataModelling,
  'image-text-contrastive': imageTextContrastive,
  'image-text-matching': imageTextMatching,
  'language-modelling': languageModelling,
  'pixel-regression': pixelRegression,
};

export type ObjectiveName = keyof typeof OBJECTIVES;

export const OBJECTIVE_NAMES: readonly ObjectiveName[] = Object.keys(OBJECTIVES) as ObjectiveName[];

/** Weight of each objective in the total; 0 reports one without learning from it. */
export type ObjectiveWeights = Readonly<Partial<Record<ObjectiveName, number>>>;

/** The objectives that have a weight, in the order of the index. */
export function objectivesIn(weights: ObjectiveWeights): readonly Objective[] {
  const names = OBJECTIVE_NAMES.filter((name) => weights[name] !== undefined);
  // Each reads what it has made itself; whoever mixes them looks at none of it.
  return names.map((name) => OBJECTIVES[name] as unknown as Objective);
}

/** The streams that any of them reads. */
export function streamsIn(weights: ObjectiveWeights): ReadonlySet<keyof StreamMix> {
  return new Set(objectivesIn(weights).flatMap(({ streams }) => streams));
}

/**
 * The heads of all objectives of which a model has any parameter, by the names of its parameters;
 * `codes` of its visual tokenizer, 0 without one.
 */
export function headSpecsIn(
  names: Iterable<string>,
  config: ModelConfig,
  codes: number,
): ParameterSpecs {
  const known = new Set(names);
  const all = objectivesIn(Object.fromEntries(OBJECTIVE_NAMES.map((name) => [name, 1])));
  const heads = all
    .filter(({ predictsCodes }) => codes > 0 || !predictsCodes)
    .map((objective) => objective.headSpecs(config, codes))
    .filter((specs) => Object.keys(specs).some((name) => known.has(name)));
  return Object.assign({}, ...heads);
}
