import type { OnStep, StepMetrics, TrainResult } from '@imglish/train';
import { dispose } from '@tensorflow/tfjs-core';

/** A run of `train` that stands still between steps. */
export interface PausedTraining {
  /** Makes the next step. */
  step(): Promise<StepMetrics>;
  /** Ends the run and frees what it holds. */
  stop(): Promise<void>;
}

/** `start` calls `train` with these two; nothing happens before the first step is asked for. */
export function pausedTraining(
  start: (onStep: OnStep, signal: AbortSignal) => Promise<TrainResult>,
): PausedTraining {
  const controller = new AbortController();
  let training: Promise<TrainResult> | undefined;
  let stepDone: (metrics: StepMetrics) => void = () => {};
  let goOn: () => void = () => {};
  const onStep: OnStep = (metrics) =>
    new Promise((resolve) => {
      goOn = resolve;
      stepDone(metrics);
    });
  return {
    step: () =>
      new Promise((resolve, reject) => {
        stepDone = resolve;
        if (training) goOn();
        else training = start(onStep, controller.signal);
        training.catch(reject);
      }),
    async stop() {
      if (!training) return;
      controller.abort();
      goOn();
      // Why it failed, if it did, was told to who asked for that step.
      const result = await training.catch(() => undefined);
      if (!result) return;
      const { state } = result;
      dispose(state.parameters as Parameters<typeof dispose>[0]);
      for (const { m, v } of Object.values(state.moments)) dispose([m, v]);
    },
  };
}
