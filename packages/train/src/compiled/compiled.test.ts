import '@tensorflow/tfjs-backend-cpu';
import { type MemoryCompiler, memoryCompiler, withoutLeaks } from '@imglish/testing';
import { add, fill, memory, mul, type Scalar, sum, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loopback } from '../../test/loopback.js';
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
import type { BatchSource, Loss, StepMetrics, TrainState } from '../loop/contracts.js';
import { disposeState } from '../loop/state.js';
import { train } from '../loop/train.js';
import { parameterGroups } from '../optimizer/groups.js';

type Options = RegressionOptions;

let parameters: Record<string, Tensor>;
beforeAll(() => {
  parameters = regressionParameters();
});

const options = (extra: Partial<Options> = {}): Options => regressionOptions(parameters, extra);

interface Recorded {
  steps: Omit<StepMetrics, 'timing'>[];
  /** Updates, parameter, m and v of every parameter. */
  state: Record<string, { step: number; values: number[]; m: number[]; v: number[] }>;
}

async function record(extra: Partial<Options> = {}): Promise<Recorded> {
  const steps: Recorded['steps'] = [];
  const onStep = ({ timing, ...metrics }: StepMetrics) => void steps.push(metrics);
  const { state } = await train(options({ ...extra, onStep }));
  const result = { steps, state: read(state) };
  disposeState(state);
  return result;
}

function read({ parameters, moments }: TrainState): Recorded['state'] {
  const entries = Object.entries(parameters).map(([name, values]) => {
    const { step, m, v } = moments[name] ?? { step: 0 };
    const numbers = (tensor?: Tensor) => [...(tensor?.dataSync() ?? [])];
    return [name, { step, values: numbers(values), m: numbers(m), v: numbers(v) }] as const;
  });
  return Object.fromEntries(entries);
}

/** Moments within 1e-5 of their largest value; parameters within 1e-5. */
function expectClose(actual: Recorded, expected: Recorded): void {
  expect(Object.keys(actual.state)).toEqual(Object.keys(expected.state));
  for (const [name, reference] of Object.entries(expected.state)) {
    const found = actual.state[name]!;
    expect(found.step, name).toBe(reference.step);
    for (const key of ['m', 'v', 'values'] as const) {
      const top = Math.max(...reference[key].map(Math.abs), 0);
      const tolerance = 1e-5 * (key === 'values' ? Math.max(1, top) : top);
      expect(found[key]).toHaveLength(reference[key].length);
      const apart = found[key].map((value, i) => Math.abs(value - reference[key][i]!));
      expect(Math.max(...apart, 0), `${key} of ${name}`).toBeLessThanOrEqual(tolerance);
    }
  }
  expect(actual.steps).toHaveLength(expected.steps.length);
  actual.steps.forEach((step, i) => {
    const { losses, counts, total, lr, gradientNorm, samples } = expected.steps[i]!;
    expect(step).toMatchObject({ counts, lr, samples, step: i + 1 });
    expect(Object.keys(step.losses)).toEqual(Object.keys(losses));
    expect(step.total / total).toBeCloseTo(1, 5);
    expect(step.gradientNorm / gradientNorm).toBeCloseTo(1, 5);
  });
}

/** Eager and compiled steps with the same options. */
async function compare(extra: Partial<Options> = {}): Promise<MemoryCompiler> {
  const compiler = memoryCompiler();
  const compiled = await withoutLeaks(() => record({ ...extra, compiler }));
  expectClose(compiled, await record(extra));
  expect(compiler.open()).toBe(0);
  return compiler;
}

describe('train with a compiler', () => {
  it('does the same steps as without', { timeout: 30_000 }, async () => {
    const compiler = await compare();
    expect(new Set(compiler.runs)).toEqual(new Set(['train step']));
    expect(compiler.runs).toHaveLength(20);
  });

  it('compiles once for each signature, and once more to learn what the loss reaches', async () => {
    const compiler = await compare({ batches: evenBatches });
    // Broken off: the first guess was that it reaches `unused`.
    expect(compiler.compiled.map(({ name }) => name)).toEqual(['train step', 'train step']);
  });

  it('clips', async () => {
    const clipped = await record({ maxGradientNorm: 0.5, compiler: memoryCompiler() });
    expect(clipped.steps.every(({ gradientNorm }) => gradientNorm > 0.5)).toBe(true);
    await compare({ maxGradientNorm: 0.5 });
    const { maxGradientNorm: _, ...never } = options();
    const { state } = await train({ ...never, compiler: memoryCompiler() });
    const eager = await train(never);
    expectClose({ steps: [], state: read(state) }, { steps: [], state: read(eager.state) });
    [state, eager.state].forEach(disposeState);
  });

  it('follows the groups of parameters', async () => {
    const groups = {
      'in.weight': { lrScale: 0.5, weightDecay: 0.1 },
      'in.bias': { lrScale: 1, weightDecay: 0 },
      'out.weight': { lrScale: 0.5, weightDecay: 0.1 },
      'out.bias': { lrScale: 0.25, weightDecay: 0 },
      unused: { lrScale: 1, weightDecay: 0 },
    };
    await compare({ groups, batches: evenBatches });
  });

  it('adds up micro-batches', { timeout: 30_000 }, async () => {
    const compiler = await compare({ accumulate: 3 });
    expect(compiler.runs.filter((name) => name === 'train gradients')).toHaveLength(60);
    expect(compiler.runs.filter((name) => name === 'train update')).toHaveLength(20);
  });

  it('adds up ranks, which end with the same bits', { timeout: 30_000 }, async () => {
    const ranks = (accumulate: number, compiler?: () => MemoryCompiler) =>
      Promise.all(
        loopback(2).map((communicator) => {
          return record({ communicator, accumulate, ...(compiler && { compiler: compiler() }) });
        }),
      );
    for (const accumulate of [1, 2]) {
      const [[first, second], [eager]] = [
        await ranks(accumulate, memoryCompiler),
        await ranks(accumulate),
      ];
      expect(second).toEqual(first);
      expectClose(first!, eager!);
    }
  });

  it('reports a stream of weight 0 without learning from it', async () => {
    await compare({ weights: { near: 1, far: 0 } });
  });
});

describe('parameters that the loss does not always reach', () => {
  /** `far` has a parameter of its own, and only odd batches have a `far`. */
  const loss: Loss<RegressionBatch> = (current, batch) => {
    const { near, far } = regressionLoss(current, batch);
    if (!far) return { near: near! };
    const own = sum(mul(current.own!, current.own!)) as Scalar;
    return { near: near!, far: { sum: add(far.sum, own), count: far.count } };
  };
  const batches: BatchSource<RegressionBatch> = async (index) => {
    const { size, streams } = await evenBatches(index);
    if (index % 2 === 1) return { size, streams };
    for (const tensor of Object.values(streams.far!)) tensor.dispose();
    return { size, streams: { near: streams.near! } };
  };
  const extra = (): Partial<Options> => {
    const all = { ...regressionParameters(), own: fill([2, 2], 0.5) };
    const groups = parameterGroups(all, { weightDecay: 0.05 });
    return { parameters: all, groups, loss, batches };
  };

  it('neither decay nor count in steps without a gradient', async () => {
    const given = extra();
    const { state } = await record({ ...given, compiler: memoryCompiler() });
    expect(state.own!.step).toBe(10);
    expect(state['in.weight']!.step).toBe(20);
    expect(state.unused).toMatchObject({ step: 0, m: [] });
    expect(state.unused!.values).toEqual([...parameters.unused!.dataSync()]);
    const compiler = await compare(given);
    // Even and odd batches, the first guess of each, and odd ones again when counts have diverged.
    expect(compiler.compiled.length).toBeLessThanOrEqual(5);
  });

  it('get the gradient of the micro-batches and ranks that reach them', async () => {
    await compare({ ...extra(), accumulate: 2 });
    const given = extra();
    const ranks = await Promise.all(
      loopback(2).map((communicator) => {
        return record({ ...given, communicator, compiler: memoryCompiler() });
      }),
    );
    expect(ranks[0]!.state.own!.step).toBe(20);
    expectClose(ranks[0]!, await record({ ...given, accumulate: 2 }));
  });

  it('do not keep the gradient of an earlier step', async () => {
    // Of three steps of two batches, the second has no odd one.
    const order = [0, 1, 2, 4, 6, 1];
    const given = { ...extra(), steps: 3, accumulate: 2 };
    await compare({ ...given, batches: (index) => batches(order[index]!) });
  });

  it('are updated where their stream counts, and else not', async () => {
    // A stream without slots has no gradient, though the loss computes it.
    const counts = ({ streams }: RegressionBatch) => ({ near: 2, far: streams.far!.x.shape[0]! });
    const constant: Loss<RegressionBatch> = (current, batch) => {
      const terms = loss(current, batch, { step: 0, index: 0 });
      return { near: terms.near!, far: { sum: terms.far!.sum, count: 0 } };
    };
    const none = {
      ...extra(),
      batches: evenBatches,
      loss: constant,
      counts: () => ({ near: 2, far: 0 }),
    };
    expect((await record({ ...none, compiler: memoryCompiler() })).state.own!.step).toBe(0);
    await compare(none);
    await compare({ ...none, loss, counts });
  });
});

describe('a compiled run', () => {
  it('resumes to the same bits, and with the other engine stays close', async () => {
    const compiler = () => memoryCompiler({ description: 'double 1' });
    const whole = await record({ compiler: compiler(), run: memoryRun(100) });
    const run = memoryRun(4);
    const controller = new AbortController();
    const { state, stopped } = await train(
      options({
        run,
        compiler: compiler(),
        signal: controller.signal,
        onStep: ({ step }) => {
          if (step === 7) controller.abort();
        },
      }),
    );
    disposeState(state);
    expect(stopped).toBe(true);
    expect(run.saved.map(({ step, compiler }) => [step, compiler])).toEqual([
      [4, 'double 1'],
      [7, 'double 1'],
    ]);
    const other = memoryRun(100);
    other.saved.push(...run.saved);
    const resumed = await record({ compiler: compiler(), run });
    expect(resumed.steps).toEqual(whole.steps.slice(7));
    expect(resumed.state).toEqual(whole.state);
    expect(run.restored).toEqual(['double 1', 'double 1']);

    const eager = await record({ run: other });
    expectClose({ ...eager, steps: [] }, { ...whole, steps: [] });
    expect(other.restored).toEqual([undefined]);
    expect(other.saved.at(-1)!.compiler).toBeUndefined();
  });

  it('lends parameters as tensors, when asked for', async () => {
    const compiler = memoryCompiler();
    const lent: number[][] = [];
    let kept: Tensor | undefined;
    const before = memory().numTensors;
    const { state } = await train(
      options({
        compiler,
        steps: 3,
        onStep: async ({ step }, parameters) => {
          if (step === 2) return;
          const [first, again] = [await parameters(), await parameters()];
          expect(again).toBe(first);
          kept = first['in.bias']!;
          lent.push([...kept.dataSync()]);
        },
      }),
    );
    expect(kept!.isDisposed).toBe(true);
    expect(lent).toHaveLength(2);
    expect(lent[1]).toEqual([...state.parameters['in.bias']!.dataSync()]);
    disposeState(state);
    expect(memory().numTensors).toBe(before);
  });
});
