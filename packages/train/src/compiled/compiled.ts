import type { Compiler } from '@imglish/core';
import type { IndexedBatch } from '../loop/batches.js';
import type { Batch, StateSource, StepMetrics } from '../loop/contracts.js';
import type { ForwardStepper } from '../loop/exchange.js';
import { assertFinite } from '../loop/not-finite.js';
import { disposeAll, tensorsOf } from '../loop/state.js';
import type { Settings } from '../loop/stepper.js';
import { addCounts, meanLosses, nothingToLearn, sumCounts } from '../loop/streams.js';
import { checkedAdamW } from '../optimizer/adamw-update.js';
import { noAverage } from '../optimizer/average.js';
import { accumulatedUpdate } from './accumulated-update.js';
import { averageUpdate } from './average.js';
import { readBatch } from './batch-inputs.js';
import { forwardPass } from './forward.js';
import { hostScalar, type RunInputs } from './functions.js';
import { fusedUpdate } from './fused-update.js';
import { layoutOf } from './layout.js';
import {
  disposeRegions,
  firstNotFinite,
  openRegions,
  type Regions,
  roundMoments,
  stateIn,
} from './regions.js';
import type { Update, UpdateContext } from './update.js';

/**
 * Updates by compiled functions. Parameters, moments and gradients are regions of the engine, which
 * it reads and writes in place: nothing of the state passes through here.
 */
export async function compiledStepper<B extends Batch>(
  settings: Settings<B>,
  compiler: Compiler,
  begin: StateSource,
): Promise<ForwardStepper<B>> {
  const { groups, frozen, accumulate = 1, communicator } = settings;
  const hyperparameters = checkedAdamW(settings.adamW ?? {}, 0);
  const layout = layoutOf(begin.parameters, groups, frozen);
  const state = await openRegions(compiler, layout, begin);
  const gradients = await compiler.reserve(layout.trained).catch(async (error) => {
    await disposeRegions(state);
    throw error;
  });
  const regions: Regions = Object.assign(state, { gradients });
  const context: UpdateContext<B> = { settings, compiler, layout, regions, hyperparameters };
  const fused = accumulate === 1 && communicator.size === 1;
  const update = fused ? fusedUpdate(context) : accumulatedUpdate(context);
  const average = averageUpdate(context);
  const forward = forwardPass(context);
  const current = (): StateSource => stateIn(regions, layout, compiler);
  const dispose = async (): Promise<void> => {
    await update.dispose();
    await average.dispose();
    await forward.dispose();
    await disposeRegions(regions);
    await gradients.dispose();
  };
  return {
    state: current,
    forward: forward.run,
    async step(batches) {
      const done = await step(context, update, batches);
      await average.run(done.step);
      return done;
    },
    async lend(which) {
      const { step, [which]: lent } = current();
      if (!lent) throw noAverage();
      const { parameters } = await tensorsOf({ step, parameters: lent, moments: {} });
      return { parameters, giveBack: () => disposeAll(parameters) };
    },
    roundMoments: () => roundMoments(regions, layout),
    async finish() {
      const tensors = await tensorsOf(current());
      await dispose();
      return tensors;
    },
    dispose,
  };
}

async function step<B extends Batch>(
  { settings, layout, regions }: UpdateContext<B>,
  update: Update<B>,
  batches: readonly IndexedBatch<B>[],
): Promise<Omit<StepMetrics, 'timing'>> {
  const { loss, weights, schedule, communicator, counts: countsOf } = settings;
  const { step } = regions;
  const lr = schedule(step);
  checkedAdamW(settings.adamW ?? {}, lr);
  const counts: Record<string, number> = {};
  const parts = batches.map((indexed) => {
    const own = countsOf!(indexed.batch);
    addCounts(counts, own);
    const context = { step, index: indexed.index };
    return { counts: own, context, read: () => readBatch(indexed) };
  });
  const totals = await sumCounts(communicator, weights, counts, step);
  const scales = scalesOf(weights, totals);
  const done = await update.run({ batches: parts, scales, lr });
  const samples = batches.reduce((sum, { batch }) => sum + batch.size, 0);
  const measured = await meanLosses(communicator, weights, { sums: done.sums, counts, samples });
  if (done.reached.size === 0) throw nothingToLearn(loss, step, measured.counts);
  await assertFinite(step + 1, measured.losses, done.gradientNorm, {
    parameter: async () => regions.notFinite,
    gradient: () => firstNotFinite(regions.gradients, layout, done.reached),
  });
  for (const name of done.reached) regions.updates.set(name, (regions.updates.get(name) ?? 0) + 1);
  regions.step = step + 1;
  if (!Number.isFinite(done.parameterSum)) {
    const all = new Set(layout.slots.keys());
    regions.notFinite = await firstNotFinite(regions.parameters, layout, all);
  }
  return { step: step + 1, ...measured, lr, gradientNorm: done.gradientNorm };
}

/** `scale.STREAM`, weight / count, of each stream that is in the total. */
function scalesOf(
  weights: Readonly<Record<string, number>>,
  totals: Readonly<Record<string, number>>,
): RunInputs {
  const scales = Object.entries(weights).flatMap(([stream, weight]) => {
    const count = totals[stream]!;
    return weight > 0 && count > 0
      ? [[`scale.${stream}`, hostScalar(weight / count)] as const]
      : [];
  });
  return Object.fromEntries(scales);
}
