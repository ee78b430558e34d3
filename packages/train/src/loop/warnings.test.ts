import '@tensorflow/tfjs-backend-cpu';
import { memory, mul, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loopback } from '../../test/loopback.js';
import { memoryRun } from '../../test/memory-run.js';
import { regressionBatches, regressionParameters } from '../../test/regression.js';
import { type RegressionOptions, regressionOptions } from '../../test/regression-options.js';
import type { BatchSource } from './contracts.js';
import { normWatch } from './norm-watch.js';
import { disposeState } from './state.js';
import { train } from './train.js';
import { describeWarning, type TrainWarning } from './warnings.js';

let parameters: Record<string, Tensor>;
beforeAll(() => {
  parameters = regressionParameters();
});

const options = (extra: Partial<RegressionOptions>) => regressionOptions(parameters, extra);

describe('exploding norms', () => {
  const calm = Array.from({ length: 20 }, (_, i) => 1 + (i % 3) / 10);
  const shown = (norms: readonly number[], rule = {}) => {
    const watch = normWatch({ factor: 4, steps: 3, window: 20, ...rule });
    return norms.flatMap((norm, i) => watch(i + 1, norm) ?? []);
  };

  it('are told once, after so many steps in a row', () => {
    const warnings = shown([...calm, 9, 9, 1, 9, 9, 9, 9, 1, 1, 9, 9, 9]);
    expect(warnings).toEqual([
      { kind: 'exploding-norm', step: 26, gradientNorm: 9, median: 1.1, steps: 3 },
      { kind: 'exploding-norm', step: 32, gradientNorm: 9, median: 1.2, steps: 3 },
    ]);
    expect(describeWarning(warnings[0]!)).toBe(
      'step 26: the gradient norm is 9.00, usually 1.10, and has been so for 3 steps',
    );
  });

  it('are what is usual after a while, and at the beginning', () => {
    expect(shown([...calm, ...calm.map((norm) => 5 * norm)])).toHaveLength(1);
    expect(shown([0.1, 9, 9, 9, 9])).toEqual([]);
    expect(shown(calm.map((_, i) => 1.1 ** i))).toEqual([]);
  });

  it.each([{ factor: 0.5 }, { steps: 0 }, { window: 5 }, { steps: 20, window: 30 }])(
    'are not to be told by %j',
    async (norms) => {
      await expect(train(options({ norms }))).rejects.toMatchObject({ code: 'train/options' });
    },
  );

  it.each(['warn', 'stop'] as const)('in a run: %s', async (action) => {
    const source = regressionBatches();
    const batches: BatchSource<never> = async (index) => {
      const batch = await source(index);
      if (index < 14) return batch as never;
      for (const points of Object.values(batch.streams)) {
        const { y } = points;
        points.y = mul(y, 1e5);
        y.dispose();
      }
      return batch as never;
    };
    const warnings: TrainWarning[] = [];
    const run = memoryRun(1);
    const before = memory().numTensors;
    const running = train(
      options({
        ...{ batches, run, norms: { steps: 2, action } },
        onWarning: (warning) => void warnings.push(warning),
      }),
    );
    if (action === 'stop') {
      await expect(running).rejects.toMatchObject({
        code: 'train/exploding-norm',
        message: expect.stringContaining('step 16: the gradient norm is'),
      });
      expect(run.saved.at(-1)!.step).toBe(15);
    } else {
      disposeState((await running).state);
      expect(warnings).toMatchObject([{ kind: 'exploding-norm', step: 16 }]);
    }
    expect(memory().numTensors).toBe(before);
  });
});

describe('data that does not come', () => {
  /** Batches, but for the one of step 3, which comes when it is let. */
  function stuck() {
    const source = regressionBatches();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const batches: RegressionOptions['batches'] = async (index) => {
      if (index === 3) await released;
      return source(index);
    };
    batches.waitingFor = () => 'pair 17 of cats.tar';
    return { batches, release: () => release() };
  }

  it('is told, again and again, until it comes', async () => {
    const { batches, release } = stuck();
    const warnings: TrainWarning[] = [];
    const { state } = await train(
      options({
        ...{ batches, steps: 6, patience: { warnAfter: 0.02 } },
        onWarning: (warning) => {
          warnings.push(warning);
          if (warnings.length === 3) release();
        },
      }),
    );
    disposeState(state);
    expect(state.step).toBe(6);
    expect(warnings).toHaveLength(3);
    expect(warnings[0]).toMatchObject({ step: 3, source: 'pair 17 of cats.tar' });
    expect(describeWarning({ ...warnings[0], seconds: 61.2 } as TrainWarning)).toBe(
      'step 4 has been waiting for data for 61 s: pair 17 of cats.tar',
    );
    const seconds = warnings.map((warning) => (warning as { seconds: number }).seconds);
    // After 20, 40 and 80 ms, or later.
    expect(seconds[2]).toBeGreaterThan(0.075);
  });

  it('ends the run where it may, and what comes too late is disposed', async () => {
    const before = memory().numTensors;
    const { batches, release } = stuck();
    const running = train(options({ batches, patience: { failAfter: 0.03 } }));
    await expect(running).rejects.toMatchObject({
      code: 'train/stuck-data',
      message: expect.stringContaining('step 4'),
      got: expect.stringContaining('pair 17 of cats.tar'),
    });
    release();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(memory().numTensors).toBe(before);
  });

  it('does not keep a run from being stopped', async () => {
    const { batches, release } = stuck();
    const controller = new AbortController();
    const run = memoryRun(100);
    const { state, stopped } = await train(
      options({
        ...{ batches, run, signal: controller.signal, patience: { warnAfter: 0.02 } },
        onWarning: () => controller.abort(),
      }),
    );
    disposeState(state);
    release();
    expect(stopped).toBe(true);
    expect(run.saved.map(({ step }) => step)).toEqual([3]);
  });

  it('is waited for where other ranks have begun the step', async () => {
    const { batches, release } = stuck();
    const controller = new AbortController();
    const ranks = loopback(2).map((communicator) => {
      const { rank } = communicator;
      return train(
        options({
          ...{ communicator, steps: 4 },
          batches: rank === 1 ? batches : regressionBatches(),
          signal: controller.signal,
          patience: { warnAfter: 0.02 },
          onWarning: () => {
            controller.abort();
            setTimeout(release, 20);
          },
        }),
      );
    });
    for (const { state, stopped } of await Promise.all(ranks)) {
      disposeState(state);
      expect([state.step, stopped]).toEqual([2, true]);
    }
  });

  it('may not be given no time at all', async () => {
    const none = train(options({ patience: { warnAfter: 0 } }));
    await expect(none).rejects.toMatchObject({ code: 'train/options' });
  });
});
