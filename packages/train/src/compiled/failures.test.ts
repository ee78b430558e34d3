import '@tensorflow/tfjs-backend-cpu';
import { ConfigError, TrainError } from '@imglish/core';
import { memoryCompiler, withoutLeaks } from '@imglish/testing';
import { fill, type Scalar, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { memoryRun } from '../../test/memory-run.js';
import {
  type RegressionBatch,
  regressionLoss,
  regressionParameters,
} from '../../test/regression.js';
import {
  evenBatches,
  type RegressionOptions,
  regressionOptions,
} from '../../test/regression-options.js';
import type { BatchSource, Loss } from '../loop/contracts.js';
import { train } from '../loop/train.js';
import { parameterGroups } from '../optimizer/groups.js';

type Options = RegressionOptions;

let parameters: Record<string, Tensor>;
beforeAll(() => {
  parameters = regressionParameters();
});

const options = (extra: Partial<Options> = {}): Options => regressionOptions(parameters, extra);

describe('a compiled step that fails', () => {
  async function failure(extra: Partial<Options>): Promise<unknown> {
    const compiler = memoryCompiler();
    const error = await withoutLeaks(() =>
      train(options({ compiler, ...extra })).then(
        () => undefined,
        (error) => error,
      ),
    );
    expect(compiler.open()).toBe(0);
    return error;
  }

  /** The second batch has NaN in a stream. */
  const poisoned: BatchSource<RegressionBatch> = async (index) => {
    const batch = await evenBatches(index);
    if (index !== 3) return batch;
    const { x, y } = batch.streams.far!;
    y.dispose();
    return { ...batch, streams: { ...batch.streams, far: { x, y: fill([2, 1], Number.NaN) } } };
  };

  it.each([[1], [2]])(
    'names step, stream and gradient, with %i micro-batches',
    async (accumulate) => {
      const run = memoryRun(1);
      const error = await failure({ run, batches: poisoned, accumulate });
      expect(error).toBeInstanceOf(TrainError);
      const step = accumulate === 1 ? 4 : 2;
      expect(error).toMatchObject({
        code: 'train/not-finite',
        message: expect.stringMatching(
          new RegExp(`NaN in stream far in step ${step}; the gradient of in\\.weight`),
        ),
      });
      expect(run.saved.map((state) => state.step)).toEqual([1, 2, 3].slice(0, step - 1));
      const eager = train(options({ batches: poisoned, accumulate }));
      await expect(eager).rejects.toThrow((error as Error).message);
    },
  );

  it('names a parameter that is not finite', async () => {
    const bad = { ...parameters, 'in.bias': fill([16], Infinity) };
    expect(await failure({ parameters: bad })).toMatchObject({
      message: expect.stringMatching(/step 1; parameter in\.bias is not finite/),
    });
    const huge = { schedule: () => 1e38, groups: parameterGroups(parameters, { weightDecay: 10 }) };
    const eager = await train(options(huge)).catch((error) => error);
    expect(eager.message).toMatch(/parameter .* is not finite/);
    expect(await failure(huge)).toMatchObject({ message: eager.message });
  });

  it('passes on what the loss and the batches throw', async () => {
    const thrown = new Error('no such loss');
    const loss = () => {
      throw thrown;
    };
    expect(await failure({ loss })).toBe(thrown);
    const batches: BatchSource<RegressionBatch> = async (index) => {
      if (index === 3) throw thrown;
      return evenBatches(index);
    };
    expect(await failure({ batches, accumulate: 2 })).toBe(thrown);
  });

  it('refuses losses that do not fit', async () => {
    const constant = (): ReturnType<Loss<RegressionBatch>> => {
      return { near: { sum: fill([], 1) as Scalar, count: 2 } };
    };
    const counts = () => ({ near: 2 });
    for (const accumulate of [1, 2]) {
      const given = { batches: evenBatches, accumulate };
      const code = async (extra: Partial<Options>) =>
        ((await failure({ ...given, ...extra })) as TrainError).code;
      expect(await code({ loss: constant, counts })).toBe('train/nothing-to-learn');
      expect(await code({ counts: () => ({ near: 1, far: 77 }) })).toBe('train/counts');
      expect(await code({ weights: { near: 1 } })).toBe('train/unknown-stream');
      expect(await code({ weights: { near: 1 }, counts })).toBe('train/unknown-stream');
      expect(
        await code({
          loss: (current, batch, { step }) => {
            return step < 0 ? {} : regressionLoss(current, batch);
          },
        }),
      ).toBe('train/context');
    }
  });

  it('refuses hyperparameters that cannot be', async () => {
    expect(await failure({ adamW: { beta1: 1 } })).toBeInstanceOf(ConfigError);
    expect(await failure({ schedule: () => -1 })).toBeInstanceOf(ConfigError);
  });

  it('needs counts, which a recorded loss cannot give', async () => {
    const { counts: _, ...without } = options({ compiler: memoryCompiler() });
    await expect(train(without)).rejects.toBeInstanceOf(ConfigError);
    await expect(train(without)).rejects.toThrow(/counts together with a compiler/);
  });
});
