import type { StepMetrics, TrainResult } from '@imglish/train';
import { expect, it } from 'vitest';
import { pausedTraining } from './paused-training.js';

const metricsOf = (step: number) => ({ step }) as StepMetrics;
const nothing = { state: { parameters: {}, moments: {} } } as unknown as TrainResult;

/** Parameters, or their average, that nobody asks for. */
const none = async () => ({});

it('makes a step only when asked to, and ends between two', async () => {
  let steps = 0;
  let ended = false;
  const training = pausedTraining(async (onStep, signal) => {
    while (!signal.aborted) {
      steps++;
      await onStep(metricsOf(steps), none, none);
    }
    ended = true;
    return nothing;
  });
  expect(steps).toBe(0);
  expect((await training.step()).step).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(steps).toBe(1);
  expect((await training.step()).step).toBe(2);
  await training.stop();
  expect({ steps, ended }).toEqual({ steps: 2, ended: true });
});

it('tells of a failure where the step was asked for, and can be stopped then', async () => {
  const training = pausedTraining(async (onStep) => {
    await onStep(metricsOf(1), none, none);
    throw new Error('not finite');
  });
  await training.step();
  await expect(training.step()).rejects.toThrow('not finite');
  await training.stop();
});

it('needs no step to be stopped', async () => {
  const training = pausedTraining(() => Promise.reject(new Error('never started')));
  await training.stop();
});
