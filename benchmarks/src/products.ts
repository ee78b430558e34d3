import { type ModelConfig, patchGrid } from '@imglish/core';

/**
 * A matrix product `A [.., m, k] · B [.., k, n]` that a model computes `count` times, each for `batch`
 * pairs of matrices. Operands that are stored transposed are marked, as in BLAS.
 */
export interface Product {
  readonly batch: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Whether B is a weight that stays the same, so that an engine may store it as it likes. */
  readonly constant: boolean;
  readonly count: number;
}

/** What a model reads. */
export interface InputSizes {
  readonly batch: number;
  /** Whether there is an image of the configured size. */
  readonly image: boolean;
  /** Words, 0 for no text. */
  readonly text: number;
}

/** A linear layer over `rows` vectors. */
interface Linear {
  rows: number;
  from: number;
  to: number;
  count: number;
  /** Whether what it reads has a gradient. */
  differentiated: boolean;
}

/** The matrix products of the released variant's encoder. */
export function encoderProducts(config: ModelConfig, sizes: InputSizes): Product[] {
  return merged([
    ...encoderLinears(config, sizes).map((linear) => forward(linear, true)),
    ...attentionProducts(config, sizes),
  ]);
}

/** Those of a training step: the encoder, heads over masked slots, and the gradients of both. */
export function trainingProducts(
  config: ModelConfig,
  sizes: InputSizes,
  heads: readonly { slots: number; classes: number }[],
): Product[] {
  const linears = [
    ...encoderLinears(config, sizes),
    ...heads.map(({ slots, classes }) => linear(slots, config.dim, classes, 1)),
  ];
  return merged([
    ...linears.flatMap((each) => [forward(each, false), ...backward(each)]),
    ...attentionProducts(config, sizes),
    ...attentionGradients(config, sizes),
  ]);
}

/** Floating point operations of products, 2 m k n each. */
export function operations(products: readonly Product[]): number {
  return products.reduce(
    (sum, { batch, m, k, n, count }) => sum + 2 * batch * m * k * n * count,
    0,
  );
}

function linear(rows: number, from: number, to: number, count: number): Linear {
  return { rows, from, to, count, differentiated: true };
}

function encoderLinears(config: ModelConfig, { batch, image, text }: InputSizes): Linear[] {
  const { dim, ffnDim, layers, patchSize } = config;
  const patches = image ? patchCount(config) : 0;
  const ways = [image ? 1 + patches : 0, text].filter((length) => length > 0);
  const patchEmbedding = linear(batch * patches, 3 * patchSize ** 2, dim, 1);
  return [
    ...(image ? [{ ...patchEmbedding, differentiated: false }] : []),
    ...ways.flatMap((length) => [
      linear(batch * length, dim, dim, 4 * layers), // queries, keys, values, output
      linear(batch * length, dim, ffnDim, layers),
      linear(batch * length, ffnDim, dim, layers),
    ]),
  ];
}

/** Y = X Wᵀ, with W stored `[to, from]`. */
function forward({ rows, from, to, count }: Linear, constant: boolean): Product {
  const sizes = { batch: 1, m: rows, k: from, n: to };
  return { ...sizes, transposeA: false, transposeB: true, constant, count };
}

/** dX = dY W and dW = dYᵀ X. */
function backward({ rows, from, to, count, differentiated }: Linear): Product[] {
  const shared = { batch: 1, transposeB: false, constant: false, count };
  const ofWeight: Product = { ...shared, m: to, k: rows, n: from, transposeA: true };
  const ofInput: Product = { ...shared, m: rows, k: to, n: from, transposeA: false };
  return differentiated ? [ofInput, ofWeight] : [ofWeight];
}

/** S = Q Kᵀ and O = P V, per sample and head; Kᵀ counts as there already. */
function attentionProducts(config: ModelConfig, sizes: InputSizes): Product[] {
  const { outer, inner } = attentionShapes(config, sizes);
  return [outer, inner];
}

/** dP = dO Vᵀ; dV = Pᵀ dO, dQ = dS K and dK = dSᵀ Q. */
function attentionGradients(config: ModelConfig, sizes: InputSizes): Product[] {
  const { outer, inner } = attentionShapes(config, sizes);
  return [outer, { ...inner, count: 3 * inner.count }];
}

/** `[N, d] · [d, N]` and `[N, N] · [N, d]`. */
function attentionShapes(
  config: ModelConfig,
  { batch, image, text }: InputSizes,
): { outer: Product; inner: Product } {
  const length = (image ? 1 + patchCount(config) : 0) + text;
  const width = config.dim / config.heads;
  const shared = {
    batch: batch * config.heads,
    transposeA: false,
    transposeB: false,
    constant: false,
    count: config.layers,
  };
  return {
    outer: { ...shared, m: length, k: width, n: length },
    inner: { ...shared, m: length, k: length, n: width },
  };
}

function patchCount(config: ModelConfig): number {
  const [rows, columns] = patchGrid(config);
  return rows * columns;
}

/** Equal products as one, counted together. */
function merged(products: readonly Product[]): Product[] {
  const byShape = new Map<string, Product>();
  for (const product of products) {
    const { count, ...shape } = product;
    const key = JSON.stringify(Object.entries(shape).sort());
    byShape.set(key, { ...product, count: count + (byShape.get(key)?.count ?? 0) });
  }
  return [...byShape.values()];
}
