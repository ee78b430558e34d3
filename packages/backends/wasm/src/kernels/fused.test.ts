import { type Backend, ops, type Parameters, valueAndGradients } from '@imglish/core';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wasm } from '../node.js';

/** The same numbers every time, in −1..1; `seed` tells arrays apart. */
const values = (shape: number[], seed: number): Float32Array =>
  Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) =>
    Math.fround(Math.sin((i + 1) * 12.9898 + seed * 78.233) * Math.cos(i * 0.7 + seed)),
  );

type Shapes = Record<string, number[]>;
type Body = (tensors: Parameters) => tf.Tensor;
interface Outcome {
  value: Float32Array;
  gradients: Record<string, Float32Array>;
}

let backend: Backend;
beforeAll(async () => {
  backend = await wasm();
});
afterAll(() => backend.dispose());

/** The op's value, and the gradients of Σ op · w with fixed weights w. */
async function evaluate(name: string, shapes: Shapes, body: Body): Promise<Outcome> {
  await tf.setBackend(name);
  const before = tf.memory().numTensors;
  const names = Object.keys(shapes);
  const inputs = Object.fromEntries(
    names.map((name, seed) => [name, tf.tensor(values(shapes[name]!, seed), shapes[name]!)]),
  );
  const { loss, aux, gradients } = valueAndGradients((parameters) => {
    const value = body(parameters);
    const weights = tf.tensor(values(value.shape, 99), value.shape);
    return { loss: tf.sum(tf.mul(value, weights)) as tf.Scalar, aux: { value } };
  }, inputs);
  const outcome = {
    value: aux.value!.dataSync<'float32'>(),
    gradients: Object.fromEntries(
      Object.entries(gradients).map(([name, g]) => [name, g.dataSync<'float32'>()]),
    ),
  };
  tf.dispose([loss, aux, gradients, inputs]);
  expect(tf.memory().numTensors).toBe(before);
  return outcome;
}

/** ‖a − b‖∞ relative to max(1, ‖b‖∞). */
function difference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  let worst = 0;
  let largest = 1;
  a.forEach((x, i) => {
    worst = Math.max(worst, Number.isNaN(x) ? Number.POSITIVE_INFINITY : Math.abs(x - b[i]!));
    largest = Math.max(largest, Math.abs(b[i]!));
  });
  return worst / largest;
}

async function expectSame(kernels: string[], shapes: Shapes, body: Body): Promise<void> {
  for (const name of kernels) expect(tf.getKernel(name, 'wasm'), name).toBeDefined();
  const composite = await evaluate('cpu', shapes, body);
  const first = await evaluate('wasm', shapes, body);
  const second = await evaluate('wasm', shapes, body);
  expect(second).toEqual(first); // bit for bit
  expect(difference(first.value, composite.value)).toBeLessThan(1e-6);
  expect(Object.keys(first.gradients)).toEqual(Object.keys(composite.gradients));
  for (const [name, gradient] of Object.entries(first.gradients)) {
    expect(difference(gradient, composite.gradients[name]!), name).toBeLessThan(1e-6);
  }
}

describe('fused kernels equal their composites', () => {
  it.each([
    [5, 8],
    [7, 13],
    [3, 3],
    [40, 128],
  ])('layerNorm [%i, %i]', (rows, size) =>
    expectSame(
      ['ImglishLayerNorm', 'ImglishLayerNormGrad'],
      { x: [rows, size], gamma: [size], beta: [size] },
      ({ x, gamma, beta }) => ops.layerNorm(x!, gamma!, beta!, 1e-5),
    ),
  );

  it.each([[4], [7], [1], [1000]])('gelu [%i]', (size) =>
    expectSame(['ImglishGelu', 'ImglishGeluGrad'], { x: [size] }, ({ x }) =>
      ops.gelu(tf.mul(x!, 4)),
    ),
  );

  it.each([
    [4, 8, 8],
    [5, 7, 9],
    [1, 1, 1],
    [33, 300, 17],
    [130, 20, 30],
  ])('linear [%i, %i] → %i', (rows, inner, out) =>
    expectSame(
      ['ImglishLinear', 'ImglishLinearGrad'],
      { x: [rows, inner], weight: [out, inner], bias: [out] },
      ({ x, weight, bias }) => tf.add(ops.linear(x!, weight!, bias!), ops.linear(x!, weight!)),
    ),
  );

  it.each([
    [[2, 3, 5, 8], 5, [1, 1, 1, 5]],
    [[2, 3, 7, 6], 9, [2, 1, 7, 9]],
    [[2, 3, 4, 5], 4, [1, 3, 1, 4]],
    [[2, 3, 4, 5], 4, [2, 3, 4, 4]],
    [[1, 1, 1, 3], 6, undefined],
  ] as const)('attention %j × %i with bias %j', (shape, m, biasShape) => {
    const [b, h, n, d] = shape;
    const shapes: Shapes = { q: [b, h, n, d], k: [b, h, m, d], v: [b, h, m, d] };
    return expectSame(['ImglishAttention', 'ImglishAttentionGrad'], shapes, ({ q, k, v }) => {
      const bias = biasShape && tf.tensor4d(values([...biasShape], 7), [...biasShape]);
      return ops.attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, d ** -0.5, bias);
    });
  });

  it.each([
    [3, 8],
    [6, 13],
    [2, 3],
  ])('crossEntropy [%i, %i]', (rows, classes) =>
    expectSame(
      ['ImglishCrossEntropy', 'ImglishCrossEntropyGrad'],
      { logits: [rows, classes] },
      ({ logits }) => {
        const labels = tf.tensor1d(
          Array.from({ length: rows }, (_, i) => (i * 5) % classes),
          'int32',
        );
        const weights = tf.tensor1d(Array.from({ length: rows }, (_, i) => i * 0.5));
        return ops.crossEntropy(tf.mul(logits!, 5) as tf.Tensor2D, labels, weights);
      },
    ),
  );

  it('gatherRows, with an index that occurs twice', () =>
    expectSame(['ImglishScatterAdd'], { table: [5, 7] }, ({ table }) =>
      ops.gatherRows(table as tf.Tensor2D, tf.tensor1d([4, 0, 4, 4, 2], 'int32')),
    ));
});

/** erf in double precision: its series below 3, the continued fraction of erfc above. */
function erf(x: number): number {
  const t = Math.abs(x);
  if (t < 3) {
    let [term, total] = [t, t];
    for (let n = 1; n < 80; n++) {
      term *= (-t * t) / n;
      total += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * total) / Math.sqrt(Math.PI);
  }
  let fraction = t;
  for (let n = 60; n > 0; n--) fraction = t + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-t * t) / Math.sqrt(Math.PI) / fraction);
}

describe('gelu', () => {
  it('is exact to float32, and so is its slope', async () => {
    await backend.use();
    const x = tf.linspace(-16, 16, 4001);
    const ones = tf.onesLike(x);
    const y = tf.engine().runKernel('ImglishGelu', { x }) as tf.Tensor;
    const dx = tf.engine().runKernel('ImglishGeluGrad', { dy: ones, x }) as tf.Tensor;
    const [xs, ys, slopes] = [x, y, dx].map((tensor) => tensor.dataSync<'float32'>());
    xs!.forEach((value, i) => {
      const cumulative = (1 + erf(value / Math.SQRT2)) / 2;
      const density = Math.exp((-value * value) / 2) / Math.sqrt(2 * Math.PI);
      const scale = Math.max(1, Math.abs(value));
      expect(Math.abs(ys![i]! - value * cumulative) / scale).toBeLessThan(1e-7);
      expect(Math.abs(slopes![i]! - cumulative - value * density) / scale).toBeLessThan(1.5e-7);
    });
    tf.dispose([x, ones, y, dx]);
  });
});

describe('ImglishAdamW', () => {
  it('takes the steps of torch.optim.AdamW', async () => {
    await backend.use();
    const [lr, beta1, beta2, epsilon, weightDecay] = [0.01, 0.9, 0.98, 1e-6, 0.05] as const;
    const size = 7;
    const p = Array.from(values([size], 1));
    const m = new Array<number>(size).fill(0);
    const v = new Array<number>(size).fill(0);
    let state = [tf.tensor1d(p), tf.zeros([size]), tf.zeros([size])] as tf.Tensor[];
    for (let t = 1; t <= 4; t++) {
      const g = values([size], 10 + t);
      const [bias1, bias2] = [1 - beta1 ** t, 1 - beta2 ** t];
      for (let i = 0; i < size; i++) {
        p[i]! *= 1 - lr * weightDecay;
        m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
        v[i] = beta2 * v[i]! + (1 - beta2) * g[i]! ** 2;
        p[i]! -= ((lr / bias1) * m[i]!) / (Math.sqrt(v[i]!) / Math.sqrt(bias2) + epsilon);
      }
      const gradient = tf.tensor1d(g);
      const inputs = { parameter: state[0]!, gradient, m: state[1]!, v: state[2]! };
      const attributes = { lr, beta1, beta2, epsilon, weightDecay, bias1, bias2 };
      const next = tf.engine().runKernel('ImglishAdamW', inputs, attributes) as tf.Tensor[];
      tf.dispose([state, gradient]);
      state = next;
    }
    const got = state.map((tensor) => tensor.dataSync<'float32'>());
    [p, m, v].forEach((expected, i) => {
      expect(difference(got[i]!, Float32Array.from(expected))).toBeLessThan(1e-6);
    });
    tf.dispose(state);
  });
});

describe('attention', () => {
  it('gives a hidden key a weight of exactly 0', async () => {
    await backend.use();
    const [q, k] = [1, 2].map((seed) => tf.tensor4d(values([1, 1, 3, 4], seed), [1, 1, 3, 4]));
    const bias = tf.tensor4d([0, -1e8, 0], [1, 1, 1, 3]);
    const [out, probs] = tf
      .engine()
      .runKernel('ImglishAttention', { q: q!, k: k!, v: k!, bias }, { scale: 0.5 }) as tf.Tensor[];
    const rows = ((await probs!.array()) as number[][][][])[0]![0]!;
    for (const row of rows) {
      expect(row[1]).toBe(0);
      expect(row[0]! + row[2]!).toBeCloseTo(1, 6);
    }
    tf.dispose([q!, k!, bias, out!, probs!]);
  });
});
