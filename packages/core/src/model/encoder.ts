import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { recompute } from '../autodiff/recompute.js';
import { withoutTape } from '../autodiff/without-tape.js';
import { ConfigError, ShapeError } from '../errors/errors.js';
import {
  add,
  concat,
  expandDims,
  HIDDEN,
  mul,
  onesLike,
  reshape,
  slice,
  sum,
} from '../ops/index.js';
import type { Parameters } from '../parameters/parameters.js';
import type { ModelConfig } from './config.js';
import type { EmbeddedSegment } from './embeddings.js';
import { joined, type LayerContext, multiwayLayer, type Probe, parted } from './layer.js';
import { namedNorm } from './modules.js';
import { type Mode, modeOf } from './routing.js';
import { expertName } from './specs.js';

export interface EncoderOptions {
  /** `[N, N]`, row = query, column = key; 1 = hidden. */
  attentionMask?: Tensor2D | undefined;
  /** What residual branches are multiplied by, `[layers, 2, B]`; see `drawDropPath`. */
  dropPath?: Tensor3D | undefined;
  /** Runs layers a second time in the backward pass instead of keeping their activations. */
  recompute?: boolean | undefined;
  /** Keeps the input of layer 0 and the output of every layer. */
  hiddenStates?: boolean | undefined;
  probe?: Probe | undefined;
  /** Shown every layer's keys and values `[B, H, N, d]`, in order: the beginning of a decoding state. */
  onKeysAndValues?: ((keys: Tensor4D, values: Tensor4D) => void) | undefined;
  /** Which experts the top layers use; by default `fused` when several ways are present. */
  mode?: Mode | undefined;
}

export interface EncoderOutput {
  /** Per segment `[B, nₛ, D]`, after the output norm where there is one. */
  segments: Tensor3D[];
  /** `[B, N, D]` each: input of layer 0, then the output of every layer, before the output norm. */
  hiddenStates: Tensor3D[];
}

/**
 * The Multiway Transformer encoder over embedded segments (reference: encoder.py:300-400).
 *
 * Tokens at padding go through all layers, only as keys they are hidden; a sample that is all
 * padding attends to everything evenly.
 */
export function encode(
  parameters: Parameters,
  config: ModelConfig,
  inputs: readonly EmbeddedSegment[],
  options: EncoderOptions = {},
): EncoderOutput {
  checkInputs(config, inputs);
  checkOptions(config, inputs, options);
  const segments = inputs.map(({ way, x }) => ({ way, length: x.shape[1] }));
  const mode = options.mode ?? modeOf(segments);
  const mask = scoreMask(inputs, options.attentionMask);

  let xs = inputs.map(({ x }) => x);
  const hiddenStates = options.hiddenStates ? [joined(xs)] : [];
  for (let layer = 0; layer < config.layers; layer++) {
    const dropPath = options.dropPath ? branchFactors(options.dropPath, layer) : undefined;
    const context: LayerContext = {
      config,
      layer,
      mode,
      segments,
      probe: options.probe,
      onKeysAndValues: options.onKeysAndValues,
    };
    xs = options.recompute
      ? recomputedLayer(xs, parameters, context, mask, dropPath)
      : multiwayLayer(xs, parameters, { ...context, mask, dropPath });
    if (options.hiddenStates) hiddenStates.push(joined(xs));
  }
  if (config.normalizeOutput) {
    xs = xs.map((x, s) =>
      namedNorm(x, parameters, expertName('beit3.encoder.layer_norm', segments[s]!.way), config),
    );
  }
  return { segments: xs, hiddenStates };
}

function recomputedLayer(
  xs: Tensor3D[],
  parameters: Parameters,
  context: LayerContext,
  mask: Tensor4D | undefined,
  dropPath: readonly [Tensor3D, Tensor3D] | undefined,
): Tensor3D[] {
  const constants: Tensor[] = [...(mask ? [mask] : []), ...(dropPath ?? [])];
  const value = recompute(
    ([x], layerParameters, given) => {
      const rest = mask ? given.slice(1) : given;
      return joined(
        multiwayLayer(parted(x as Tensor3D, context.segments), layerParameters, {
          ...context,
          mask: mask ? (given[0] as Tensor4D) : undefined,
          dropPath: dropPath ? (rest as [Tensor3D, Tensor3D]) : undefined,
        }),
      );
    },
    { x: [joined(xs)], parameters, constants },
  );
  return parted(value as Tensor3D, context.segments);
}

/** Padding `[B, N]` and attention mask `[N, N]` as what is added to the scores. */
function scoreMask(
  inputs: readonly EmbeddedSegment[],
  attentionMask: Tensor2D | undefined,
): Tensor4D | undefined {
  let mask: Tensor | undefined;
  if (inputs.some(({ paddingMask }) => paddingMask)) {
    const padding = inputs.map(
      ({ x, paddingMask }) =>
        paddingMask ?? withoutTape(() => sum(mul(onesLike(x), 0), -1) as Tensor2D),
    );
    const all = padding.length === 1 ? padding[0]! : concat(padding, 1); // [B, N]
    mask = mul(reshape(all, [all.shape[0]!, 1, 1, all.shape[1]!]), HIDDEN);
  }
  if (attentionMask) {
    const hidden = mul(expandDims(expandDims(attentionMask, 0), 0), HIDDEN); // [1, 1, N, N]
    mask = mask ? add(mask, hidden) : hidden;
  }
  return mask as Tensor4D | undefined;
}

function branchFactors(dropPath: Tensor3D, layer: number): readonly [Tensor3D, Tensor3D] {
  const batch = dropPath.shape[2];
  const branch = (index: number) =>
    reshape(slice(dropPath, [layer, index, 0], [1, 1, batch]), [batch, 1, 1]) as Tensor3D;
  return [branch(0), branch(1)];
}

function checkInputs(config: ModelConfig, inputs: readonly EmbeddedSegment[]): void {
  const batch = inputs[0]?.x.shape[0];
  for (const { way, x, paddingMask } of inputs) {
    const [b, n, dim] = x.shape;
    const padded = !paddingMask || paddingMask.shape.join() === [b, n].join();
    if (x.rank !== 3 || b !== batch || dim !== config.dim || !padded) {
      throw new ShapeError({
        code: 'shape/segment',
        where: 'encode',
        expected: `segments [B, n, D] = [${batch}, n, ${config.dim}], padding masks [B, n]`,
        got: `way ${way}: [${x.shape}]${paddingMask ? `, padding mask [${paddingMask.shape}]` : ''}`,
      });
    }
  }
  if (batch === undefined) {
    throw new ConfigError({
      code: 'config/no-input',
      where: 'encode',
      expected: 'at least one segment',
      got: 'none',
    });
  }
}

function checkOptions(
  config: ModelConfig,
  inputs: readonly EmbeddedSegment[],
  options: EncoderOptions,
): void {
  const [batch] = inputs[0]!.x.shape;
  const total = inputs.reduce((sum, { x }) => sum + x.shape[1], 0);
  const { attentionMask, dropPath } = options;
  if (options.recompute && (options.probe || options.onKeysAndValues)) {
    throw new ConfigError({
      code: 'config/unsupported-option',
      where: 'encode',
      expected: 'either recompute, or probe and onKeysAndValues',
      got: 'both',
      fix: 'A recomputed layer keeps nothing to look at: look without recompute.',
    });
  }
  if (attentionMask && (attentionMask.shape[0] !== total || attentionMask.shape[1] !== total)) {
    throw new ShapeError({
      code: 'shape/attention-mask',
      where: 'encode',
      expected: `an attention mask [N, N] = [${total}, ${total}]`,
      got: `[${attentionMask.shape}]`,
    });
  }
  if (dropPath && dropPath.shape.join() !== [config.layers, 2, batch].join()) {
    throw new ShapeError({
      code: 'shape/drop-path',
      where: 'encode',
      expected: `drop path [layers, 2, B] = [${config.layers}, 2, ${batch}]`,
      got: `[${dropPath.shape}]`,
    });
  }
}
