import {
  backboneSpecs,
  type EncoderOptions,
  type ModelConfig,
  type ParameterSpecs,
  type Parameters,
  type TensorMap,
} from '@imglish/core';
import type { Batch, BatchSource, Communicator, Exchange, Loss, LossTerm } from '@imglish/train';
import { dispose } from '@tensorflow/tfjs-core';
import { checkBatchOptions } from '../batches/pretrain-batches.js';
import { readOnce, type SamplesOptions, samplesOf } from '../batches/samples.js';
import type { Objective, ObjectiveData } from './objective.js';
import { type ObjectiveWeights, objectivesIn } from './objectives.js';
import { gatherRows, stepPlace } from './step-pairs.js';

/** What every objective reads, by its name; all of the same samples. */
export interface ObjectiveBatch extends Batch {
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Every parameter of a model with the heads of these objectives; `codes` of the visual tokenizer. */
export function objectiveSpecs(
  weights: ObjectiveWeights,
  config: ModelConfig,
  codes: number,
): ParameterSpecs {
  const heads = objectivesIn(weights).map((objective) => objective.headSpecs(config, codes));
  return Object.assign({ ...backboneSpecs(config) }, ...heads);
}

/**
 * Batches for a mixture of objectives, the same whenever they are asked for; a sample that several
 * objectives read is read once.
 *
 * Throws and rejects as `pretrainBatches`; also `config/objectives`.
 */
export function objectiveBatches(
  weights: ObjectiveWeights,
  options: ObjectiveData & SamplesOptions,
): BatchSource<ObjectiveBatch> {
  const { visualTokenizer, ...rest } = options;
  checkBatchOptions('pretrain', visualTokenizer ? { ...rest, visualTokenizer } : rest);
  const { mix } = options;
  const readers = objectivesIn(weights).map(({ name, reader }) => [name, reader(options)] as const);
  const all = samplesOf(options);
  return async (index) => {
    const samples = readOnce(all);
    const inputs: Record<string, unknown> = {};
    try {
      for (const [name, read] of readers) inputs[name] = await read(index, samples);
    } catch (error) {
      dispose(inputs as never);
      throw error;
    }
    return { size: mix.text + mix.image + mix.pair, inputs };
  };
}

/** The loss of a mixture: the terms of all its objectives. */
export function objectiveLoss(
  weights: ObjectiveWeights,
  config: ModelConfig,
  encoder: EncoderOptions = {},
): Loss<ObjectiveBatch> {
  const objectives = objectivesIn(weights);
  return function pretraining(parameters, { inputs }) {
    const terms: Record<string, LossTerm> = {};
    for (const { name, losses } of objectives) {
      Object.assign(terms, losses(parameters, config, inputs[name], encoder));
    }
    return terms;
  };
}

/** The counts of all terms of a batch. */
export function objectiveCounts(
  weights: ObjectiveWeights,
): (batch: ObjectiveBatch) => Record<string, number> {
  const objectives = objectivesIn(weights);
  return ({ inputs }) =>
    Object.assign({}, ...objectives.map(({ name, counts }) => counts(inputs[name])));
}

/** Weight of every term: its objective's, times its own where one is given. */
export function partWeights(
  weights: ObjectiveWeights,
  ofParts: Readonly<Record<string, number>>,
): Record<string, number> {
  const entries = objectivesIn(weights).flatMap(({ name, parts }) =>
    parts.map((part) => {
      const weight = weights[name as keyof ObjectiveWeights]!;
      return [part, weight * (ofParts[part] ?? 1)] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/**
 * What the batches of a step learn of each other before their gradients are taken; nothing where no
 * objective asks for it.
 */
export function objectiveExchange(
  weights: ObjectiveWeights,
  { config, seed, mix }: Pick<ObjectiveData, 'config' | 'seed' | 'mix'>,
  { accumulate, communicator }: { accumulate: number; communicator: Pick<Communicator, 'size'> },
): Exchange<ObjectiveBatch> | undefined {
  const objectives = objectivesIn(weights);
  const several = accumulate * communicator.size > 1;
  const asking = objectives.filter(
    ({ completion }) => completion && (several || completion.always),
  );
  if (asking.length === 0) return undefined;
  const { name: source, features } = objectives.find((one) => one.features) as Objective & {
    features: NonNullable<Objective['features']>;
  };
  return {
    forward: (parameters: Parameters, { inputs }): TensorMap => ({
      ...features(parameters, config, inputs[source], {}),
    }),
    async complete(batches, { communicator, step }) {
      const place = stepPlace(
        batches.map(({ index }) => index),
        communicator,
      );
      const gather = (rows: readonly ArrayLike<number>[]) => gatherRows(communicator, place, rows);
      const gathered = (name: 'image' | 'text') =>
        gather(batches.map(({ outputs }) => outputs[name]!.data));
      const count = mix.pair * place.batches;
      const pairs = {
        ...{ count, each: mix.pair, seed, gather },
        first: place.places.map((at) => at * mix.pair),
        number: step * count,
        features: {
          image: await gathered('image'),
          text: await gathered('text'),
          dim: config.dim,
          scale: batches[0]!.outputs.scale!.data[0]!,
        },
      };
      const completed = batches.map(({ batch: { size, inputs } }) => ({
        size,
        inputs: { ...inputs } as Record<string, unknown>,
      }));
      try {
        for (const { name, completion } of asking) {
          const given = batches.map(({ batch }) => batch.inputs[name]);
          (await completion!.complete(given, pairs)).forEach((own, i) => {
            completed[i]!.inputs[name] = own;
          });
        }
      } catch (error) {
        dispose(completed.map(({ inputs }) => inputs) as never);
        throw error;
      }
      return completed;
    },
  };
}
