import '@tensorflow/tfjs-backend-cpu';
import { ConfigError, draw, ShapeError } from '@imglish/core';
import {
  dispose,
  getBackend,
  memory,
  registerKernel,
  type Tensor,
  tensor,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { ADAMW_KERNEL, type AdamWState, adamW } from './adamw.js';

const groups = {
  w: { lrScale: 0.5, weightDecay: 0.05 },
  b: { lrScale: 1, weightDecay: 0 },
  unused: { lrScale: 1, weightDecay: 0.05 },
};
const hyper = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8 };

function normals(purpose: string, step: number, length: number): number[] {
  const random = draw(3, purpose, step);
  return Array.from({ length }, () => Math.fround(random.normal()));
}

/** AdamW on plain numbers: bias-corrected moments, as the paper writes it. */
function reference(
  start: number[],
  gradients: (number[] | undefined)[],
  lrs: number[],
  decay: number,
) {
  const theta = [...start];
  const m = start.map(() => 0);
  const v = start.map(() => 0);
  let t = 0;
  gradients.forEach((gradient, s) => {
    if (!gradient) return;
    t++;
    theta.forEach((value, i) => {
      const g = gradient[i]!;
      m[i] = hyper.beta1 * m[i]! + (1 - hyper.beta1) * g;
      v[i] = hyper.beta2 * v[i]! + (1 - hyper.beta2) * g * g;
      const mHat = m[i]! / (1 - hyper.beta1 ** t);
      const vHat = v[i]! / (1 - hyper.beta2 ** t);
      theta[i] = value - lrs[s]! * (mHat / (Math.sqrt(vHat) + hyper.epsilon) + decay * value);
    });
  });
  return { theta, m, v, t };
}

function close(actual: Tensor, expected: number[]) {
  actual.dataSync().forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-6 * Math.max(1, Math.abs(expected[i]!)));
  });
}

afterEach(() => {
  for (const { kernelName, backendName } of fakes.splice(0))
    unregisterKernel(kernelName, backendName);
});
const fakes: { kernelName: string; backendName: string }[] = [];

describe('adamW', () => {
  it('is the float64 reference over several steps, skipping parameters without gradient', () => {
    const start = { w: normals('w', 0, 6), b: normals('b', 0, 3), unused: normals('u', 0, 2) };
    const lrs = [0, 0.01, 0.02, 0.01, 0.005];
    const gradientsOfW = lrs.map((_, s) => normals('gw', s, 6));
    // b misses a step, and once has a gradient of exactly zero.
    const gradientsOfB = lrs.map((_, s) =>
      s === 2 ? undefined : s === 3 ? [0, 0, 0] : normals('gb', s, 3),
    );
    const before = memory().numTensors;
    let parameters: Record<string, Tensor> = {
      w: tensor(start.w, [2, 3]),
      b: tensor(start.b),
      unused: tensor(start.unused),
    };
    let state: AdamWState = {};
    lrs.forEach((lr, s) => {
      const gradients: Record<string, Tensor> = { w: tensor(gradientsOfW[s]!, [2, 3]) };
      if (gradientsOfB[s]) gradients.b = tensor(gradientsOfB[s]);
      ({ parameters, state } = adamW(parameters, gradients, state, {
        ...hyper,
        lr,
        groups,
        release: true,
      }));
    });
    const w = reference(
      start.w,
      gradientsOfW,
      lrs.map((lr) => lr * 0.5),
      0.05,
    );
    const b = reference(start.b, gradientsOfB, lrs, 0);
    close(parameters.w!, w.theta);
    close(state.w!.m, w.m);
    close(state.w!.v, w.v);
    close(parameters.b!, b.theta);
    expect([state.w!.step, state.b!.step]).toEqual([5, 4]);
    expect([...parameters.unused!.dataSync()]).toEqual(start.unused);
    expect(state.unused).toBeUndefined();
    dispose(parameters);
    for (const { m, v } of Object.values(state)) dispose([m, v]);
    expect(memory().numTensors).toBe(before);
  });

  it('decays a parameter whose gradient is zero', () => {
    const { parameters, state } = adamW(
      { w: tensor([2, -4]) },
      { w: tensor([0, 0]) },
      {},
      {
        ...hyper,
        lr: 0.1,
        groups: { w: { lrScale: 1, weightDecay: 0.5 } },
      },
    );
    close(parameters.w!, [2 * 0.95, -4 * 0.95]);
    expect([...state.w!.v.dataSync()]).toEqual([0, 0]);
  });

  it('leaves its inputs alone unless told to release them', () => {
    const parameters = { w: tensor([1, 2]), unused: tensor([3]) };
    const gradients = { w: tensor([1, 1]) };
    const before = memory().numTensors;
    const next = adamW(parameters, gradients, {}, { lr: 0.1, groups });
    expect(memory().numTensors).toBe(before + 4);
    dispose(next.parameters.unused!);
    expect([...parameters.unused.dataSync()]).toEqual([3]);
    expect([...parameters.w.dataSync()]).toEqual([1, 2]);
    expect(gradients.w.isDisposed).toBe(false);
  });

  it('hands over to the kernel of the backend', () => {
    const fake = { kernelName: ADAMW_KERNEL, backendName: getBackend() };
    fakes.push(fake);
    let seen: unknown;
    registerKernel({
      ...fake,
      kernelFunc: ({ inputs, attrs, backend }) => {
        seen = { inputs: Object.keys(inputs), attrs };
        const cpu = backend as {
          makeTensorInfo(shape: number[], dtype: string, values: Float32Array): never;
        };
        return [7, 8, 9].map((value) => cpu.makeTensorInfo([1], 'float32', Float32Array.of(value)));
      },
    });
    const state = { w: { step: 1, m: tensor([0]), v: tensor([0]) } };
    const options = { ...hyper, lr: 0.1, groups };
    const next = adamW({ w: tensor([1]) }, { w: tensor([1]) }, state, options);
    const values = [next.parameters.w!, next.state.w!.m, next.state.w!.v];
    expect(values.map((t) => t.dataSync()[0])).toEqual([7, 8, 9]);
    expect(seen).toEqual({
      inputs: ['parameter', 'gradient', 'm', 'v'],
      attrs: {
        lr: 0.05,
        ...hyper,
        weightDecay: 0.05,
        bias1: 1 - 0.9 ** 2,
        bias2: 1 - 0.98 ** 2,
      },
    });
  });

  it('refuses what cannot be', () => {
    const w = tensor([1, 2]);
    const options = { lr: 0.1, groups };
    expect(() => adamW({ w }, { w: tensor([1]) }, {}, options)).toThrow(ShapeError);
    expect(() => adamW({ w }, { x: w }, {}, options)).toThrow(/known parameters, got x/);
    expect(() => adamW({ w }, { w }, {}, { lr: 0.1, groups: {} })).toThrow(/a group for w/);
    expect(() => adamW({ w }, { w }, {}, { ...options, lr: Number.NaN })).toThrow(ConfigError);
    expect(() => adamW({ w }, { w }, {}, { ...options, beta1: 1 })).toThrow(/beta1/);
  });
});
