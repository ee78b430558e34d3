import type { Compiler, HostTensorMap } from '@imglish/core';
import type { Batch, LossContext } from '../loop/contracts.js';
import type { Settings } from '../loop/stepper.js';
import type { AdamWHyperparameters } from '../optimizer/adamw.js';
import type { BatchInputs } from './batch-inputs.js';
import type { RunInputs } from './functions.js';
import type { Layout } from './layout.js';
import type { Regions } from './regions.js';

export interface UpdateContext<B extends Batch> {
  settings: Settings<B>;
  compiler: Compiler;
  layout: Layout;
  regions: Regions;
  hyperparameters: Required<AdamWHyperparameters>;
}

/** This rank's part of a step. */
export interface StepPart<B extends Batch> {
  /** Micro-batches, read when their turn comes. */
  batches: readonly {
    read(): Promise<BatchInputs<B>>;
    counts: Readonly<Record<string, number>>;
    context: LossContext;
  }[];
  /** `scale.STREAM` of each stream in the total. */
  scales: RunInputs;
  lr: number;
}

export interface Updated {
  /** This rank's, by stream. */
  sums: Record<string, number>;
  /** Norm of all gradients before clipping. */
  gradientNorm: number;
  /** Of the parameters that were updated, afterwards: not finite where one of them is not. */
  parameterSum: number;
  /** Parameters that have a gradient; where there are none, nothing else has been done. */
  reached: ReadonlySet<string>;
}

/** Computes gradients and updates parameters and moments, where they are. */
export interface Update<B extends Batch> {
  run(part: StepPart<B>): Promise<Updated>;
  dispose(): Promise<void>;
}

/** `parameter.NAME`, in the shape that the loss reads it in. */
export function parameterViews({ parameters }: Regions, { slots }: Layout): RunInputs {
  const views = [...slots.values()].map(({ name, offset, shape }) => {
    return [`parameter.${name}`, parameters.view(offset, shape)] as const;
  });
  return Object.fromEntries(views);
}

/** Adds the outputs `sum.STREAM` to sums by stream. */
export function addSums(into: Record<string, number>, outputs: HostTensorMap): void {
  for (const [name, { data }] of Object.entries(outputs)) {
    if (!name.startsWith('sum.')) continue;
    const stream = name.slice('sum.'.length);
    into[stream] = (into[stream] ?? 0) + data[0]!;
  }
}
