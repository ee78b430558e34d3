import '@tensorflow/tfjs-backend-cpu';
import { ConfigError, TrainError } from '@imglish/core';
import { dispose, fill, memory, mul, type Scalar, sum, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { memoryRun, values } from '../../test/memory-run.js';
import {
  type RegressionBatch,
  regressionBatches,
  regressionCounts,
  regressionLoss,
  regressionParameters,
} from '../../test/regression.js';
import { parameterGroups } from '../optimizer/groups.js';
import type { StepMetrics } from './contracts.js';
import { disposeState } from './state.js';
import { type TrainOptions, train } from './train.js';

let parameters: Record<string, Tensor>;
beforeAll(() => {
  parameters = regressionParameters();
});

function options(
  extra: Partial<TrainOptions<RegressionBatch>> = {},
): TrainOptions<RegressionBatch> {
  return {
    parameters,
    loss: regressionLoss,
    batches: regressionBatches(),
    steps: 12,
    schedule: () => 0.02,
    groups: parameterGroups(parameters, { weightDecay: 0.01 }),
    weights: { near: 1, far: 0.5 },
    ...extra,
  };
}

/** Trains to the end; the metrics of every step without timings, and the parameters' values. */
async function record(extra: Partial<TrainOptions<RegressionBatch>> = {}) {
  const steps: Omit<StepMetrics, 'timing'>[] = [];
  const { state, ...rest } = await train(
    options({ ...extra, onStep: ({ timing, ...metrics }) => void steps.push(metrics) }),
  );
  const values = Object.values(state.parameters).flatMap((tensor) => [...tensor.dataSync()]);
  disposeState(state);
  return { steps, values, ...rest };
}

describe('train', () => {
  it('learns, and reports what it did', async () => {
    const { steps, stopped, metrics } = await record({
      steps: 120,
      schedule: (s) => 0.05 / (1 + s / 20),
    });
    expect(stopped).toBe(false);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
    const mean = (part: typeof steps) =>
      part.reduce((total, s) => total + s.total, 0) / part.length;
    expect(mean(steps.slice(-10))).toBeLessThan(0.3 * mean(steps.slice(0, 10)));
    const first = steps[0]!;
    expect(first.lr).toBe(0.05);
    expect(first.total).toBeCloseTo(first.losses.near! + 0.5 * first.losses.far!, 10);
    expect(first.samples).toBe(1);
    // The third batch has no far points.
    expect(Object.keys(steps[2]!.losses)).toEqual(['near']);
    expect(metrics!.timing.samplesPerSecond).toBeGreaterThan(0);
  });

  it.each([
    ['with counts known', { counts: regressionCounts }],
    ['with counts found out', {}],
  ])('gives for micro-batches what it gives for one big batch, %s', async (_, extra) => {
    const big = await record({ batches: regressionBatches(3), steps: 6 });
    const small = await record({ accumulate: 3, steps: 6, ...extra });
    big.steps.forEach((expected, i) => {
      const actual = small.steps[i]!;
      expect(actual.counts).toEqual(expected.counts);
      expect(actual.samples).toBe(3);
      expect(actual.losses.near).toBeCloseTo(expected.losses.near!, 4);
      expect(actual.total).toBeCloseTo(expected.total, 4);
      expect(actual.gradientNorm).toBeCloseTo(expected.gradientNorm, 3);
    });
  });

  it('clips the gradients, and reports the norm before', async () => {
    const seen = await record({ steps: 2 });
    const clipped = await record({ steps: 2, maxGradientNorm: seen.steps[0]!.gradientNorm / 2 });
    expect(clipped.steps[0]!.gradientNorm).toBe(seen.steps[0]!.gradientNorm);
    const never = await record({ steps: 2, maxGradientNorm: 1e6 });
    expect(never.values).toEqual(seen.values);
    expect(clipped.values).not.toEqual(seen.values);
  });

  it('reports a stream of weight 0 without learning from it', async () => {
    const both = await record({ weights: { near: 1, far: 0 } });
    const alone = await record({
      weights: { near: 1 },
      loss: (current, batch) => {
        const { near } = regressionLoss(current, batch);
        return { near: near! };
      },
    });
    expect(both.values).toEqual(alone.values);
    expect(both.steps[0]!.losses.far).toBeGreaterThan(0);
  });

  it('leaks nothing, and leaves the given parameters alone', async () => {
    const before = memory().numTensors;
    const given = [...parameters['in.weight']!.dataSync()];
    const counts: number[] = [];
    const { state } = await train(
      options({
        accumulate: 2,
        maxGradientNorm: 0.1,
        onStep: () => void counts.push(memory().numTensors),
      }),
    );
    // The last step has no next one on its way: 2 batches of 4 tensors.
    expect(new Set(counts.slice(0, -1)).size).toBe(1);
    expect(counts.at(-1)).toBe(counts[0]! - 8);
    disposeState(state);
    expect(memory().numTensors).toBe(before);
    expect([...parameters['in.weight']!.dataSync()]).toEqual(given);
  });

  it('stops when told, saved, and goes on to the same bits', async () => {
    const whole = await record({ run: memoryRun(100) });
    const run = memoryRun(3);
    const controller = new AbortController();
    const interrupted = await train(
      options({
        run,
        signal: controller.signal,
        onStep: ({ step }) => {
          if (step === 5) controller.abort();
        },
      }),
    );
    disposeState(interrupted.state);
    expect(interrupted.stopped).toBe(true);
    expect(run.saved.map(({ step }) => step)).toEqual([3, 5]);
    const resumed = await record({ run });
    expect(resumed.steps[0]!.step).toBe(6);
    expect(resumed.steps).toEqual(whole.steps.slice(5));
    expect(resumed.values).toEqual(whole.values);
    expect(run.saved.map(({ step }) => step)).toEqual([3, 5, 6, 9, 12]);
    expect(run.logged.map(({ step }) => step)).toEqual(whole.steps.map(({ step }) => step));
    const again = await record({ run });
    expect(again.steps).toEqual([]);
    expect(run.saved).toHaveLength(5);
  });

  it('stops at the first loss that is not finite, and saves nothing after it', async () => {
    const run = memoryRun(1);
    const before = memory().numTensors;
    const broken = train(
      options({
        run,
        loss: (current, batch, { step }) => {
          const terms = regressionLoss(current, batch);
          if (step < 2) return terms;
          const poison = mul(sum(current['out.bias']!), fill([], Number.NaN)) as Scalar;
          return { ...terms, near: { sum: poison, count: 1 } };
        },
      }),
    );
    await expect(broken).rejects.toMatchObject({
      code: 'train/not-finite',
      message: expect.stringMatching(/NaN in stream near in step 3; the gradient of out\.bias/),
    });
    await expect(broken).rejects.toBeInstanceOf(TrainError);
    expect(run.saved.map(({ step }) => step)).toEqual([1, 2]);
    expect(memory().numTensors).toBe(before);
  });

  it('names a parameter that is not finite', async () => {
    const bad = { ...parameters, 'in.bias': fill([16], Infinity) };
    await expect(train(options({ parameters: bad }))).rejects.toThrow(
      /step 1; parameter in\.bias is not finite/,
    );
    dispose(bad['in.bias']);
  });

  it('passes on the failure of a batch, with nothing left behind', async () => {
    const before = memory().numTensors;
    const source = regressionBatches();
    const failing = train(
      options({
        accumulate: 2,
        batches: async (index) => {
          if (index === 7) throw new Error('no such batch');
          return source(index);
        },
      }),
    );
    await expect(failing).rejects.toThrow('no such batch');
    expect(memory().numTensors).toBe(before);
  });

  it('refuses losses that do not fit', async () => {
    const before = memory().numTensors;
    const wrong = train(options({ counts: () => ({ near: 1, far: 77 }) }));
    await expect(wrong).rejects.toMatchObject({ code: 'train/counts' });
    const constant = train(
      options({ loss: () => ({ near: { sum: fill([], 1) as Scalar, count: 1 } }) }),
    );
    await expect(constant).rejects.toMatchObject({ code: 'train/nothing-to-learn' });
    expect(memory().numTensors).toBe(before);
  });

  it('refuses streams that it does not know and sums that are none', async () => {
    const before = memory().numTensors;
    await expect(train(options({ weights: { near: 1 } }))).rejects.toMatchObject({
      code: 'train/unknown-stream',
    });
    const shaped = train(
      options({
        loss: (current) => ({ near: { sum: current['in.bias'] as Scalar, count: 1 } }),
      }),
    );
    await expect(shaped).rejects.toMatchObject({ code: 'train/loss-term' });
    expect(memory().numTensors).toBe(before);
  });

  it('refuses options that cannot be', async () => {
    const bad: Partial<TrainOptions<RegressionBatch>>[] = [
      { steps: 0 },
      { accumulate: 1.5 },
      { maxGradientNorm: 0 },
      { ema: { decay: 1 } },
      { weights: { near: 0 } },
      { groups: {} },
      { run: memoryRun(0) },
    ];
    for (const extra of bad)
      await expect(train(options(extra))).rejects.toBeInstanceOf(ConfigError);
  });

  it('refuses the checkpoint of another model', async () => {
    const run = memoryRun(5);
    run.saved.push({ step: 3, parameters: { 'in.bias': values([4]) }, moments: {} });
    await expect(train(options({ run }))).rejects.toMatchObject({
      code: 'train/state',
      message: expect.stringContaining('in.bias: wanted [16], found [4]'),
    });
  });
});
