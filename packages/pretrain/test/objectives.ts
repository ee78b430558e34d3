import { type ModelConfig, type Parameters, toHost, valueAndGradients } from '@imglish/core';
import { soloCommunicator } from '@imglish/train';
import { addN, dispose, type Scalar, type Tensor } from '@tensorflow/tfjs-core';
import type { SamplesOptions } from '../src/batches/samples.js';
import {
  type ObjectiveBatch,
  type ObjectiveData,
  type ObjectiveName,
  objectiveBatches,
  objectiveExchange,
  objectiveLoss,
  objectiveSpecs,
  PAPER_MASK_RATIOS,
} from '../src/index.js';
import { randomParameters } from './parameters.js';
import { CODES, toyBatchOptions } from './toy.js';

export type ToyObjectiveOptions = ObjectiveData & SamplesOptions;

export function toyObjectiveOptions(
  changes: Partial<ToyObjectiveOptions> = {},
): ToyObjectiveOptions {
  const { maxCaptionLength = 12, ...options } = toyBatchOptions();
  return { ...options, maxCaptionLength, ratios: PAPER_MASK_RATIOS, ...changes };
}

const weightsOf = (names: readonly ObjectiveName[]) =>
  Object.fromEntries(names.map((name) => [name, 1]));

/** Numbers for all parameters that a model with these objectives has. */
export function objectiveParameters(
  names: readonly ObjectiveName[],
  config: ModelConfig,
): Record<string, Tensor> {
  return randomParameters(config, objectiveSpecs(weightsOf(names), config, CODES));
}

/** A batch as the loss gets it in a step of this batch alone; the caller owns it. */
export async function objectiveBatch(
  names: readonly ObjectiveName[],
  options: ToyObjectiveOptions,
  parameters: Parameters,
): Promise<ObjectiveBatch> {
  const batch = await objectiveBatches(weightsOf(names), options)(0);
  const communicator = soloCommunicator();
  const parts = { accumulate: 1, communicator };
  const exchange = objectiveExchange(weightsOf(names), options, parts);
  if (!exchange) return batch;
  const told = exchange.forward(parameters, batch) as Record<string, Tensor>;
  const read = Object.entries(told).map(async ([name, tensor]) => {
    return [name, await toHost(tensor)] as const;
  });
  const outputs = Object.fromEntries(await Promise.all(read));
  const context = { communicator, step: 0 };
  const [completed] = await exchange.complete([{ index: 0, batch, outputs }], context);
  return completed!;
}

/** The sum of all terms, each term's sum, and the gradients by name, as plain numbers. */
export function objectiveGradients(
  names: readonly ObjectiveName[],
  config: ModelConfig,
  parameters: Parameters,
  batch: ObjectiveBatch,
): {
  loss: number;
  sums: Record<string, number>;
  gradients: Record<string, Float32Array>;
} {
  const { loss, aux, gradients } = valueAndGradients((current) => {
    const terms = objectiveLoss(weightsOf(names), config)(current, batch, { step: 0, index: 0 });
    const sums = Object.entries(terms).map(([part, { sum }]) => [part, sum] as const);
    return { loss: addN(sums.map(([, sum]) => sum)) as Scalar, aux: Object.fromEntries(sums) };
  }, parameters);
  const read = <T>(tensors: Readonly<Record<string, Tensor>>, of: (tensor: Tensor) => T) =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, of(tensor)]));
  const result = {
    loss: loss.dataSync()[0]!,
    sums: read(aux, (tensor) => tensor.dataSync()[0]!),
    gradients: read(gradients, (tensor) => tensor.dataSync<'float32'>().slice()),
  };
  dispose([loss, aux, gradients]);
  return result;
}
