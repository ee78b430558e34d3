import { ops, valueAndGradients } from '@imglish/core';
import { mul, type Scalar, sum, type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { Call, Given } from '../one-node.js';
import { exactly, floats, integers } from '../values.js';
import type { Case } from './case.js';

type Tensors = Readonly<Record<string, Tensor>>;

function tensorsOf(inputs: Call['inputs']): Tensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { values, shape, dtype }]) => [
      name,
      tensor([...values], [...shape] as [number], dtype),
    ]),
  );
}

function givenOf(x: Tensor): Given {
  return { shape: x.shape, dtype: x.dtype as Given['dtype'], values: [...x.dataSync()] };
}

/** What core computes op by op. */
const composite =
  (f: (inputs: Tensors, attributes: Readonly<Record<string, number>>) => Tensor[]) =>
  ({ inputs, attributes }: Call): Given[] =>
    f(tensorsOf(inputs), attributes as Record<string, number>).map(givenOf);

/** The gradients of ⟨op, dy⟩ that core has. */
const gradients =
  (
    dy: string,
    of: readonly string[],
    op: (inputs: Tensors, attributes: Readonly<Record<string, number>>) => Tensor,
  ) =>
  ({ inputs, attributes }: Call): Given[] => {
    const all = tensorsOf(inputs);
    const result = valueAndGradients(
      (p) => ({
        loss: sum(
          mul(op({ ...all, ...p }, (attributes ?? {}) as Record<string, number>), all[dy]!),
        ) as Scalar,
      }),
      Object.fromEntries(of.map((name) => [name, all[name]!])),
    );
    return of.map((name) => givenOf(result.gradients[name]!));
  };

const attend = ({ q, k, v }: Tensors, { scale }: Readonly<Record<string, number>>) =>
  ops.attention(q as never, k as never, v as never, scale!);

const linear = composite(({ x, weight, bias }) => [ops.linear(x!, weight!, bias)]);

/** y, mean and 1 / √(variance + ε) of each row, in float64. */
function normalized({ inputs: { x, gamma, beta }, attributes }: Call): Given[] {
  const [rows, width] = x!.shape as [number, number];
  const y: number[] = [];
  const [means, scales]: [number[], number[]] = [[], []];
  for (let i = 0; i < rows; i++) {
    const row = x!.values.slice(i * width, (i + 1) * width);
    const mean = row.reduce((a, b) => a + b, 0) / width;
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / width;
    const scale = 1 / Math.sqrt(variance + (attributes!.epsilon as number));
    y.push(...row.map((value, j) => (value - mean) * scale * gamma!.values[j]! + beta!.values[j]!));
    means.push(mean);
    scales.push(scale);
  }
  const each = { shape: [rows], dtype: 'float32' as const };
  return [
    { shape: x!.shape, dtype: 'float32', values: y },
    { ...each, values: means },
    { ...each, values: scales },
  ];
}

function moved(given: Given, by: number): Given {
  return { ...given, values: given.values.map((x) => Math.fround(x + by)) };
}

const layerNormOf = (x: Given): Call => ({
  inputs: { x, gamma: floats([x.shape[1]!], 2), beta: floats([x.shape[1]!], 3) },
  attributes: { epsilon: 1e-5 },
});

function layerNormGradOf(x: Given): Call {
  const [, mean, rstd] = normalized(layerNormOf(x));
  const gamma = floats([x.shape[1]!], 2);
  return { inputs: { dy: floats(x.shape, 4), x, gamma, mean: mean!, rstd: rstd! } };
}

function attentionOf(b: number, h: number, n: number, m: number, d: number): Call['inputs'] {
  return {
    q: floats([b, h, n, d], 1, 2),
    k: floats([b, h, m, d], 2, 2),
    v: floats([b, h, m, d], 3),
  };
}

const attended: Case['reference'] = composite(({ q, k, v, bias }, { scale }) => [
  ops.attention(q as never, k as never, v as never, scale!, bias as never),
  ops.attentionMap(q as never, k as never, scale!, bias as never),
]);

const scale = 0.3;

function attentionGradOf(b: number, h: number, n: number, m: number, d: number): Call {
  const inputs = attentionOf(b, h, n, m, d);
  const [, probs] = attended!({ inputs, attributes: { scale } });
  return {
    inputs: { dout: floats([b, h, n, d], 4), ...inputs, probs: probs! },
    attributes: { scale },
  };
}

function crossEntropyOf(rows: number, classes: number): Call['inputs'] {
  return {
    logits: floats([rows, classes], 1, 10),
    labels: integers([rows], 0, classes - 1),
    weights: exactly(
      Array.from({ length: rows }, (_, i) => i % 3),
      'float32',
    ),
  };
}

const entropies: Case['reference'] = composite(({ logits, labels, weights }) => [
  ops.crossEntropy(logits as never, labels as never, weights as never),
  ops.logSumExp(logits as never),
]);

function crossEntropyGradOf(rows: number, classes: number): Call {
  const inputs = crossEntropyOf(rows, classes);
  const [, lse] = entropies!({ inputs });
  return { inputs: { dloss: floats([rows], 4), ...inputs, lse: lse! } };
}

const ADAMW = {
  lr: 0.01,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-6,
  weightDecay: 0.05,
  bias1: 1 - 0.9 ** 3,
  bias2: 1 - 0.98 ** 3,
};

function adamW({ inputs }: Call): Given[] {
  const { parameter, gradient, m, v } = inputs;
  const { lr, beta1, beta2, epsilon, weightDecay, bias1, bias2 } = ADAMW;
  const nextM = m!.values.map((x, i) => beta1 * x + (1 - beta1) * gradient!.values[i]!);
  const nextV = v!.values.map((x, i) => beta2 * x + (1 - beta2) * gradient!.values[i]! ** 2);
  const next = parameter!.values.map((x, i) => {
    const step = nextM[i]! / (Math.sqrt(nextV[i]!) / Math.sqrt(bias2) + epsilon);
    return x * (1 - lr * weightDecay) - (lr / bias1) * step;
  });
  return [next, nextM, nextV].map((values) => ({ ...parameter!, values }));
}

export const fusedCases: Case[] = [
  {
    kernel: 'ImglishLinear',
    what: 'with a bias',
    call: (n) => ({
      inputs: { x: floats([n, 7], 1), weight: floats([3, 7], 2), bias: floats([3], 3) },
    }),
    reference: linear,
  },
  {
    kernel: 'ImglishLinear',
    what: 'without a bias, rows of one',
    call: (n) => ({ inputs: { x: floats([17 * n, 1], 1), weight: floats([5, 1], 2) } }),
    reference: linear,
  },
  {
    kernel: 'ImglishLinearGrad',
    what: 'matrices',
    call: (n) => ({
      inputs: { dy: floats([5 * n, 3], 4), x: floats([5 * n, 7], 1), weight: floats([3, 7], 2) },
    }),
    reference: (call) => {
      const bias = floats([3], 5);
      const of = gradients('dy', ['x', 'weight', 'bias'], ({ x, weight, bias }) =>
        ops.linear(x!, weight!, bias!),
      );
      return of({ ...call, inputs: { ...call.inputs, bias } });
    },
  },
  {
    kernel: 'ImglishLayerNorm',
    what: 'rows',
    call: (n) => layerNormOf(floats([3 * n, 65], 1)),
    reference: normalized,
  },
  {
    kernel: 'ImglishLayerNorm',
    what: 'rows far from 0',
    call: (n) => layerNormOf(moved(floats([n, 128], 1), 30)),
    reference: normalized,
    tolerance: 3e-6, // float32 numbers of 30 are 2e-6 apart
  },
  {
    kernel: 'ImglishLayerNorm',
    what: 'rows of one',
    call: (n) => layerNormOf(floats([n, 1], 1)),
    reference: normalized,
  },
  ...[65, 1].map((width) => ({
    kernel: 'ImglishLayerNormGrad',
    what: `rows of ${width}`,
    call: (n: number) => layerNormGradOf(floats([3 * n, width], 1)),
    reference: (call: Call) => {
      const beta = floats([width], 3);
      const of = gradients('dy', ['x', 'gamma', 'beta'], ({ x, gamma, beta }) =>
        ops.layerNorm(x!, gamma!, beta!, 1e-5),
      );
      return of({ ...call, inputs: { ...call.inputs, beta } });
    },
  })),
  {
    kernel: 'ImglishGelu',
    what: 'floats',
    call: (n) => ({ inputs: { x: floats([n, 33], 1, 3) } }),
    reference: composite(({ x }) => [ops.gelu(x!)]),
  },
  {
    kernel: 'ImglishGelu',
    what: 'far out',
    call: () => ({ inputs: { x: exactly([-40, -9, -5, -0, 0, 5, 9, 40]) } }),
    reference: composite(({ x }) => [ops.gelu(x!)]),
    sizes: [2],
  },
  {
    kernel: 'ImglishGeluGrad',
    what: 'floats',
    call: (n) => ({ inputs: { dy: floats([n, 33], 2), x: floats([n, 33], 1, 3) } }),
    reference: gradients('dy', ['x'], ({ x }) => ops.gelu(x!)),
  },
  ...[
    (n: number) => [n, 2, 3, 5, 4],
    (n: number) => [1, 1, n, n, 1],
    (n: number) => [2, 3, 4, n + 1, 2],
  ].flatMap((sizes) => {
    const [b, h, rows, columns, d] = sizes(2) as [number, number, number, number, number];
    const what = `${b}×${h}×${rows}×${columns}×${d}`;
    const at = (n: number) => sizes(n) as [number, number, number, number, number];
    return [
      {
        kernel: 'ImglishAttention',
        what,
        call: (n: number) => ({ inputs: attentionOf(...at(n)), attributes: { scale } }),
        reference: attended,
      },
      {
        kernel: 'ImglishAttentionGrad',
        what,
        call: (n: number) => attentionGradOf(...at(n)),
        reference: gradients('dout', ['q', 'k', 'v'], attend),
      },
    ];
  }),
  ...[
    [1, 1, 1],
    [2, 1, 1],
    [2, 3, 4],
    [1, 1, 4],
  ].map((shape) => ({
    kernel: 'ImglishAttention',
    what: `with a mask [${shape}, n]`,
    call: (n: number) => {
      const given = integers([...shape, n + 1], 0, 1);
      const values = given.values.map((x, i) => (i % (n + 1) === 0 ? 0 : x * ops.HIDDEN));
      const bias: Given = { ...given, dtype: 'float32', values };
      return { inputs: { ...attentionOf(2, 3, 4, n + 1, 2), bias }, attributes: { scale } };
    },
    reference: attended,
  })),
  ...[1, 41].flatMap((classes) => [
    {
      kernel: 'ImglishCrossEntropy',
      what: `${classes} classes`,
      call: (n: number) => ({ inputs: crossEntropyOf(4 * n, classes) }),
      reference: entropies,
    },
    {
      kernel: 'ImglishCrossEntropyGrad',
      what: `${classes} classes`,
      call: (n: number) => crossEntropyGradOf(4 * n, classes),
      reference: gradients('dloss', ['logits'], ({ logits, labels, weights }) =>
        ops.crossEntropy(logits as never, labels as never, weights as never),
      ),
    },
  ]),
  {
    kernel: 'ImglishCrossEntropy',
    what: 'logits that overflow exp',
    call: () => ({
      inputs: {
        logits: exactly([1000, 0, -1000, 1000, -2000, -2000], 'float32', [3, 2]),
        labels: exactly([0, 0, 1], 'int32'),
        weights: exactly([1, 1, 1]),
      },
    }),
    reference: entropies,
    sizes: [2],
  },
  {
    kernel: 'ImglishAdamW',
    what: 'a vector',
    call: (n) => ({
      inputs: {
        parameter: floats([n, 5], 1),
        gradient: floats([n, 5], 2),
        m: floats([n, 5], 3),
        v: {
          ...floats([n, 5], 4),
          values: floats([n, 5], 4).values.map((x) => Math.fround(x * x)),
        },
      },
      attributes: ADAMW,
    }),
    reference: adamW,
  },
  ...(['float32', 'int32', 'bool'] as const).map((dtype) => ({
    kernel: 'ImglishAfter',
    what: dtype,
    call: (n: number) => ({
      inputs: {
        x: { ...integers([n, 3], 0, 1), dtype },
        token: exactly([NaN, 1], 'float32', [1, 2]),
      },
    }),
    reference: ({ inputs }: Call) => [inputs.x!],
  })),
];
