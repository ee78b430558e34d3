import type { HostTensorMap, Parameters, TensorMap } from '@imglish/core';
import type { Communicator } from '../communicator/communicator.js';
import { disposeBatches, type IndexedBatch } from './batches.js';
import type { Batch } from './contracts.js';
import type { Stepper } from './stepper.js';

/**
 * What the batches of a step, those of all micro-batches and ranks, learn of each other before their
 * gradients are taken: for a loss that is no sum over samples, such as a contrastive one, whose
 * negatives are everyone else's.
 */
export interface Exchange<B extends Batch> {
  /**
   * What a batch has to tell, by the parameters before the step. Without gradient; with a compiler it is
   * recorded, once for each signature of a batch, as the loss is.
   */
  forward(parameters: Parameters, batch: B): TensorMap;
  /**
   * This rank's batches in the same order, with what they need of the others; called on every rank.
   * Each batch and what is added to it are disposed after the step, or by whoever throws.
   */
  complete(
    batches: readonly ForwardedBatch<B>[],
    context: { communicator: Communicator; step: number },
  ): Promise<B[]>;
}

export interface ForwardedBatch<B extends Batch> extends IndexedBatch<B> {
  outputs: HostTensorMap;
}

/** A stepper that also runs a function of its parameters and a batch. */
export interface ForwardStepper<B extends Batch> extends Stepper<B> {
  forward(f: Exchange<B>['forward'], batch: IndexedBatch<B>): Promise<HostTensorMap>;
}

/** The same stepper, whose batches exchange what they need first. */
export function exchanging<B extends Batch>(
  stepper: ForwardStepper<B>,
  exchange: Exchange<B>,
  communicator: Communicator,
): Stepper<B> {
  return {
    ...stepper,
    async step(batches) {
      const { step } = stepper.state();
      const told: ForwardedBatch<B>[] = [];
      for (const indexed of batches) {
        told.push({ ...indexed, outputs: await stepper.forward(exchange.forward, indexed) });
      }
      const completed = await exchange.complete(told, { communicator, step });
      const indexed = completed.map((batch, i) => ({ index: batches[i]!.index, batch }));
      return stepper.step(indexed).finally(() => disposeBatches(indexed));
    },
  };
}
