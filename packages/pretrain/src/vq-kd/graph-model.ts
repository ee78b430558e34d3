import { type HostTensor, ops, type Parameters, parameter, TokenizerError } from '@imglish/core';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
// biome-ignore lint/style/noRestrictedImports: convolutions, which none of our own models has.
import { conv2d, depthwiseConv2d, relu6 } from '@tensorflow/tfjs-core';

/** A graph model of tfjs as a package brings it: its JSON, and its weights in base64. */
export interface GraphModelFiles {
  modelJson(): Promise<unknown>;
  weightBundles: readonly (() => Promise<unknown>)[];
}

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, { s?: string; list?: { i?: string[]; s?: string[] } }>>;
}

interface StoredWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantization?: { min: number; scale: number; dtype: string };
}

interface GraphJson {
  readonly modelTopology: { readonly node: readonly GraphNode[] };
  readonly weightsManifest: readonly { readonly weights: readonly StoredWeight[] }[];
}

/** A graph that can be run. */
export interface GraphModel {
  /** By the names of its nodes. */
  readonly weights: Readonly<Record<string, HostTensor>>;
  /** The node whose name ends so, of inputs by name. */
  run(output: string, inputs: Readonly<Record<string, Tensor>>, weights: Parameters): Tensor;
}

/**
 * Opens a graph model: convolutions with what is fused into them, sums, differences and products.
 * Throws `tokenizer/graph` for anything else.
 */
export async function openGraphModel(files: GraphModelFiles): Promise<GraphModel> {
  const { modelTopology, weightsManifest } = defaultOf(await files.modelJson()) as GraphJson;
  const bundles = await Promise.all(files.weightBundles.map((read) => read()));
  const bytes = joined(bundles.map((bundle) => fromBase64(defaultOf(bundle) as string)));
  const weights = readWeights(
    weightsManifest.flatMap((group) => group.weights),
    bytes,
  );
  const nodes = new Map(modelTopology.node.map((node) => [node.name, node]));
  return {
    weights,
    run(output, inputs, given) {
      const name = [...nodes.keys()].find((each) => each.endsWith(output));
      if (name === undefined) return refuse(`a node ${output}`, 'none');
      return evaluate(nodes, name, { ...inputs }, given);
    },
  };
}

/** Values of nodes are kept in `known`. */
function evaluate(
  nodes: ReadonlyMap<string, GraphNode>,
  name: string,
  known: Record<string, Tensor>,
  weights: Parameters,
): Tensor {
  const before = known[name];
  if (before) return before;
  const node = nodes.get(name) ?? refuse(`a node ${name}`, 'none');
  if (node.op === 'Const') return parameter(weights, name);
  const inputs = (node.input ?? []).map((input) => evaluate(nodes, input, known, weights));
  const value = compute(node, inputs as [Tensor, Tensor, Tensor]);
  known[name] = value;
  return value;
}

function compute(node: GraphNode, [x, y, bias]: [Tensor, Tensor, Tensor]): Tensor {
  switch (node.op) {
    case 'Mul':
      return ops.mul(x, y);
    case 'Sub':
      return ops.sub(x, y);
    case 'AddV2':
      return ops.add(x, y);
    case '_FusedConv2D':
      return activated(node, conv2d(x as Tensor4D, y as Tensor4D, ...geometry(node)), bias);
    case 'FusedDepthwiseConv2dNative':
      return activated(
        node,
        depthwiseConv2d(x as Tensor4D, y as Tensor4D, ...geometry(node)),
        bias,
      );
    default:
      return refuse('nodes that are known', `${node.op} (${node.name})`);
  }
}

function geometry({ attr = {}, name }: GraphNode): [[number, number], 'same' | 'valid'] {
  const [, vertical, horizontal] = (attr.strides?.list?.i ?? []).map(Number);
  const padding = textOf(attr.padding?.s).toLowerCase();
  if (!vertical || !horizontal || (padding !== 'same' && padding !== 'valid')) {
    return refuse('strides and a padding', `those of ${name}`);
  }
  return [[vertical, horizontal], padding];
}

/** What is fused into a convolution: its bias, and perhaps ReLU6. */
function activated({ attr = {}, name }: GraphNode, x: Tensor, bias: Tensor): Tensor {
  const fused = (attr.fused_ops?.list?.s ?? []).map(textOf).join(' ');
  if (fused === 'BiasAdd') return ops.add(x, bias);
  if (fused === 'BiasAdd Relu6') return relu6(ops.add(x, bias));
  return refuse('BiasAdd and Relu6', `${fused} fused into ${name}`);
}

function readWeights(
  stored: readonly StoredWeight[],
  bytes: Uint8Array<ArrayBuffer>,
): Record<string, HostTensor> {
  const weights: Record<string, HostTensor> = {};
  let at = 0;
  for (const { name, shape, dtype, quantization } of stored) {
    const size = shape.reduce((product, n) => product * n, 1);
    const kind = quantization?.dtype ?? dtype;
    const width = { uint8: 1, uint16: 2, float32: 4, int32: 4 }[kind];
    if (width === undefined) return refuse('weights of uint8, uint16 or float32', kind);
    const raw = bytes.slice(at, at + size * width).buffer;
    at += size * width;
    if (dtype !== 'float32') continue; // Shapes, which what is run has no use for.
    const values =
      kind === 'uint8'
        ? new Uint8Array(raw)
        : kind === 'uint16'
          ? new Uint16Array(raw)
          : new Float32Array(raw);
    const { min, scale } = quantization ?? { min: 0, scale: 1 };
    weights[name] = { dtype, shape, data: Float32Array.from(values, (q) => min + scale * q) };
  }
  return weights;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function textOf(base64 = ''): string {
  return atob(base64);
}

function defaultOf(module: unknown): unknown {
  return (module as { default?: unknown }).default ?? module;
}

function refuse(expected: string, got: string): never {
  throw new TokenizerError({ code: 'tokenizer/graph', where: 'openGraphModel', expected, got });
}
