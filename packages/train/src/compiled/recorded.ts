import { ops, type Parameters, type TensorMap, TrainError } from '@imglish/core';
import { addN, concat, mul, reshape, type Scalar, sum, type Tensor } from '@tensorflow/tfjs-core';
import type { Batch, Loss, LossContext } from '../loop/contracts.js';
import { lossGradients } from '../loop/loss-gradients.js';
import { assertSameCounts, weightOf } from '../loop/streams.js';
import type { AdamWHyperparameters } from '../optimizer/adamw.js';
import { adamWUpdate } from '../optimizer/adamw-update.js';
import { recordedClipFactor } from '../optimizer/clip.js';
import type { BatchInputs } from './batch-inputs.js';
import type { Block } from './layout.js';

/** A loss and the batch that it is recorded with. */
export interface LossToRecord<B extends Batch> {
  loss: Loss<B>;
  batch: BatchInputs<B>;
  context: LossContext;
  /** What `counts` says of that batch. */
  counts: Readonly<Record<string, number>>;
  weights: Readonly<Record<string, number>>;
}

export interface RecordedGradients {
  /** `sum.STREAM` */
  sums: Record<string, Scalar>;
  gradients: Record<string, Tensor>;
}

/**
 * The loss of a batch and its gradients. Inputs: `parameter.NAME`, those of the batch, and
 * `scale.STREAM` for each stream that is in the total. To be called in a `tidy`.
 */
export function recordGradients<B extends Batch>(
  { loss, batch, context, counts, weights }: LossToRecord<B>,
  names: Iterable<string>,
  inputs: TensorMap,
): RecordedGradients {
  const parameters: Record<string, Tensor> = {};
  for (const name of names) parameters[name] = inputs[`parameter.${name}`]!;
  const recorded: Loss<B> = (current: Parameters, given) => loss(current, given, UNKNOWN);
  const scale = (stream: string): number | Scalar =>
    (inputs[`scale.${stream}`] as Scalar | undefined) ?? 0;
  const given = batch.withTensors(inputs);
  const found = lossGradients(recorded, parameters, given, context, scale);
  for (const stream of Object.keys(found.sums)) weightOf(weights, stream, context.step);
  assertSameCounts(counts, found.counts, context.step, context.index);
  const sums = Object.entries(found.sums).map(([stream, sum]) => [`sum.${stream}`, sum] as const);
  return { sums: Object.fromEntries(sums), gradients: found.gradients };
}

/** The gradients of each block as one vector. */
export function flatGradients(
  blocks: readonly Block[],
  gradients: Readonly<Record<string, Tensor>>,
): Tensor[] {
  return blocks.map(({ names }) => {
    const parts = names.map((name) => reshape(gradients[name]!, [-1]));
    return parts.length === 1 ? parts[0]! : concat(parts);
  });
}

/**
 * One step of AdamW on blocks. Inputs: `p.K`, `m.K`, `v.K` of block K, and its `decay.K`, `rate.K`,
 * `root.K`; `limit`, if gradients are clipped. The same vectors are outputs, and `total`, the sum of
 * the parameters afterwards, which is not finite where one of them is not. To be called in a `tidy`.
 */
export function recordUpdate(
  flat: readonly Tensor[],
  norm: Scalar,
  earlier: readonly Scalar[],
  hyperparameters: Required<AdamWHyperparameters>,
  inputs: TensorMap,
): Record<string, Tensor> {
  const outputs: Record<string, Tensor> = {};
  const { limit } = inputs;
  const factor = limit && recordedClipFactor(norm, limit as Scalar);
  // The next parameters are written over what the loss reads: not before it has read everything.
  const token = addN([norm, ...earlier]);
  flat.forEach((gradient, k) => {
    const [p, m, v] = adamWUpdate(
      inputs[`p.${k}`]!,
      factor ? mul(gradient, factor) : gradient,
      inputs[`m.${k}`]!,
      inputs[`v.${k}`]!,
      {
        ...hyperparameters,
        decay: ops.after(inputs[`decay.${k}`] as Scalar, token),
        rate: inputs[`rate.${k}`] as Scalar,
        root: inputs[`root.${k}`] as Scalar,
      },
    );
    outputs[`p.${k}`] = p;
    outputs[`m.${k}`] = m;
    outputs[`v.${k}`] = v;
  });
  outputs.total = addN(flat.map((_, k) => sum(outputs[`p.${k}`]!)));
  return outputs;
}

/** A recorded loss would keep the step of its recording for ever. */
const UNKNOWN: LossContext = {
  get step(): number {
    throw unknown('step');
  },
  get index(): number {
    throw unknown('index');
  },
};

function unknown(what: string): TrainError {
  return new TrainError({
    code: 'train/context',
    where: 'train',
    expected: 'a loss that depends on parameters and batch only, with a compiler',
    got: `one that looks at the ${what} in its context`,
    fix: 'Put what differs from step to step into a tensor of the batch, or train without a compiler.',
  });
}
