import { toHost } from '@imglish/core';
import { dispose, mul, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { adamW, type Moments } from '../optimizer/adamw.js';
import { nextAverage, noAverage } from '../optimizer/average.js';
import { clipFactor, globalNorm } from '../optimizer/clip.js';
import type { IndexedBatch } from './batches.js';
import { nearestBfloat16 } from './bfloat16.js';
import type { Batch, StateSource, TrainState } from './contracts.js';
import type { ForwardStepper } from './exchange.js';
import { assertFinite } from './not-finite.js';
import { disposeAll, disposeState, mapValues, sourceOf, tensorsOf } from './state.js';
import { stepGradients } from './step.js';
import type { Settings } from './stepper.js';

/** Updates op by op on the current tfjs backend. */
export async function eagerStepper<B extends Batch>(
  settings: Settings<B>,
  begin: StateSource,
): Promise<ForwardStepper<B>> {
  let state = await tensorsOf(begin);
  return {
    state: () => sourceOf(state),
    async step(batches) {
      const { next, ...metrics } = await update(settings, state, batches);
      state = next;
      return metrics;
    },
    async forward(f, { batch }) {
      const outputs = tidy(() => mapValues(f(state.parameters, batch), (tensor) => tensor.clone()));
      const read = Object.entries(outputs).map(async ([name, tensor]) => {
        return [name, await toHost(tensor)] as const;
      });
      return Object.fromEntries(await Promise.all(read).finally(() => disposeAll(outputs)));
    },
    async lend(which) {
      const parameters = state[which];
      if (!parameters) throw noAverage();
      return { parameters, giveBack: () => {} };
    },
    async roundMoments() {
      const rounded: Record<string, Moments> = {};
      for (const [name, { step, m, v }] of Object.entries(state.moments)) {
        rounded[name] = { step, m: await roundedTensor(m), v: await roundedTensor(v) };
      }
      state = { ...state, moments: rounded };
    },
    finish: async () => state,
    dispose: async () => disposeState(state),
  };
}

/** The nearest bfloat16 of each value; takes over the tensor. */
async function roundedTensor(given: Tensor): Promise<Tensor> {
  const values = nearestBfloat16((await given.data()) as Float32Array);
  given.dispose();
  return tensor(values, given.shape, 'float32');
}

/** One update. Takes over the state, unless it throws. */
async function update<B extends Batch>(
  settings: Settings<B>,
  { step, parameters, moments, average }: TrainState,
  batches: readonly IndexedBatch<B>[],
) {
  const { loss, weights, counts, groups, schedule, communicator } = settings;
  const { gradients, ...measured } = await stepGradients({
    ...{ step, batches, parameters, loss, weights, counts, communicator },
  });
  try {
    const norm = globalNorm(gradients);
    const gradientNorm = (await norm.data())[0]!;
    norm.dispose();
    await assertFinite(step + 1, measured.losses, gradientNorm, {
      parameter: () => firstNotFinite(parameters),
      gradient: () => firstNotFinite(gradients),
    });
    scaleInPlace(gradients, clipFactor(gradientNorm, settings.maxGradientNorm ?? Infinity));
    const lr = schedule(step);
    const hyperparameters = { ...settings.adamW, lr, groups, release: true };
    const done = adamW(parameters, gradients, moments, hyperparameters);
    const next: TrainState = {
      step: step + 1,
      parameters: done.parameters,
      moments: done.state,
      average:
        average && settings.ema && nextAverage(average, done.parameters, settings.ema, step + 1),
    };
    return { next, step: step + 1, ...measured, lr, gradientNorm };
  } catch (error) {
    dispose(gradients);
    throw error;
  }
}

async function firstNotFinite(
  tensors: Readonly<Record<string, Tensor>>,
): Promise<string | undefined> {
  for (const [name, tensor] of Object.entries(tensors)) {
    const values = await tensor.data();
    if (!values.every(Number.isFinite)) return name;
  }
  return undefined;
}

function scaleInPlace(tensors: Record<string, Tensor>, factor: number): void {
  if (factor === 1) return;
  for (const [name, tensor] of Object.entries(tensors)) {
    tensors[name] = mul(tensor, factor);
    tensor.dispose();
  }
}
