import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors/errors.js';
import {
  add,
  broadcastRow,
  cast,
  concat,
  expandDims,
  gatherRows,
  linear,
  mul,
  reshape,
  slice,
  sub,
  transpose,
} from '../ops/index.js';
import { type Parameters, parameter } from '../parameters/parameters.js';
import { type ModelConfig, patchGrid, type Way } from './config.js';
import { imagePositions } from './positions.js';
import { LANGUAGE, VISION } from './routing.js';
import { FIRST_POSITION } from './specs.js';

/** An image as pixels, or already cut into patches (`patchify` of the image tokenizer). */
export type ImageInput =
  /** Normalised pixels `[B, 3, H, W]`, H and W multiples of the patch size. */
  | { pixels: Tensor4D }
  /** `[B, h w, 3 p p]`, each row in the order (channel, row, column). */
  | { patches: Tensor3D; grid: readonly [number, number] };

/** A stretch of embedded tokens, ready for the encoder. */
export interface EmbeddedSegment {
  way: Way;
  /** With positions, rows at padding zeroed `[B, n, D]`. */
  x: Tensor3D;
  /** Before positions `[B, n, D]`; the reference's `encoder_embedding`. */
  embedding: Tensor3D;
  /** 1 where there is padding `[B, n]`; left out when nothing is padded. */
  paddingMask?: Tensor2D;
}

/**
 * `<cls>`, then the patches row by row: `[B, 1 + h w, D]`.
 *
 * `mask [B, h w]` (1 = masked) puts the mask token in a patch's place, before `<cls>` and positions
 * (reference: embedding.py:78-88).
 */
export function embedImage(
  parameters: Parameters,
  config: ModelConfig,
  image: ImageInput,
  mask?: Tensor2D,
): EmbeddedSegment {
  const { patches, grid } = toPatches(image, config.patchSize);
  const { dim } = config;
  const kernel = reshape(parameter(parameters, 'beit3.vision_embed.proj.weight'), [dim, -1]); // [D, 3pp]
  const bias = parameter(parameters, 'beit3.vision_embed.proj.bias');
  let x = linear(patches, kernel, bias) as Tensor3D; // [B, P, D]
  if (mask) {
    if (mask.shape[0] !== x.shape[0] || mask.shape[1] !== x.shape[1]) {
      throw new ShapeError({
        code: 'shape/image-mask',
        where: 'embedImage',
        expected: `a mask [B, patches] = [${x.shape[0]}, ${x.shape[1]}]`,
        got: `[${mask.shape}]`,
      });
    }
    const token = parameter(parameters, 'beit3.vision_embed.mask_token');
    const w = expandDims(mask, 2); // [B, P, 1]
    x = add(mul(x, sub(1, w)), mul(token, w));
  }
  const cls = broadcastRow(parameter(parameters, 'beit3.vision_embed.cls_token'), x); // [B, 1, D]
  const embedding = concat([cls, x], 1); // [B, 1 + P, D]
  const table = parameter(parameters, `beit3.encoder.embed_positions.${VISION}.weight`) as Tensor2D;
  const positions = imagePositions(table, patchGrid(config), grid);
  return { way: VISION, embedding, x: add(embedding, expandDims(positions, 0)) };
}

/**
 * Word embeddings plus positions: ids `[B, T]` int32 → `[B, T, D]`; rows at padding are zero.
 *
 * `positions [T]` (int32) counts from 0 and is given in decoding only; usually it is 0 … T − 1.
 */
export function embedText(
  parameters: Parameters,
  config: ModelConfig,
  ids: Tensor2D,
  paddingMask?: Tensor2D,
  positions?: Tensor1D,
): EmbeddedSegment {
  if (ids.rank !== 2 || ids.dtype !== 'int32') {
    throw new ShapeError({
      code: 'shape/text-ids',
      where: 'embedText',
      expected: 'ids [B, T] of int32',
      got: `[${ids.shape}] of ${ids.dtype}`,
    });
  }
  const [batch, length] = ids.shape;
  const words = parameter(parameters, 'beit3.text_embed.weight') as Tensor2D;
  const flat = gatherRows(words, reshape(ids, [-1])); // [B T, D]
  const embedding = reshape(flat, [batch, length, config.dim]) as Tensor3D;
  return addPositions(parameters, config, LANGUAGE, embedding, paddingMask, positions);
}

/** Tokens of any way, embedded by the caller, with that way's positions added: `[B, n, D]`. */
export function addPositions(
  parameters: Parameters,
  config: ModelConfig,
  way: Way,
  embedding: Tensor3D,
  paddingMask?: Tensor2D,
  positions?: Tensor1D,
): EmbeddedSegment {
  const table = parameter(parameters, `beit3.encoder.embed_positions.${way}.weight`) as Tensor2D;
  if (embedding.rank !== 3 || embedding.shape[2] !== config.dim) {
    throw new ShapeError({
      code: 'shape/embedding',
      where: 'addPositions',
      expected: `an embedding [B, n, D] with D = ${config.dim}`,
      got: `[${embedding.shape}]`,
    });
  }
  const length = embedding.shape[1];
  if (!positions && length > table.shape[0] - FIRST_POSITION) {
    throw new ShapeError({
      code: 'shape/too-long',
      where: 'addPositions',
      expected: `at most ${table.shape[0] - FIRST_POSITION} tokens of way ${way}`,
      got: `${length}`,
      fix: 'Truncate, or raise the size of the position table in the configuration.',
    });
  }
  const rows: Tensor = positions
    ? gatherRows(table, cast(add(positions, FIRST_POSITION), 'int32') as Tensor1D)
    : slice(table, [FIRST_POSITION, 0], [length, config.dim]);
  if (paddingMask && paddingMask.shape.join() !== embedding.shape.slice(0, 2).join()) {
    throw new ShapeError({
      code: 'shape/padding-mask',
      where: 'addPositions',
      expected: `a padding mask [B, n] = [${embedding.shape.slice(0, 2)}]`,
      got: `[${paddingMask.shape}]`,
    });
  }
  const placed = add(embedding, expandDims(rows, 0)) as Tensor3D;
  if (!paddingMask) return { way, embedding, x: placed };
  const visible = expandDims(sub(1, paddingMask), 2); // [B, n, 1]
  return { way, embedding, x: mul(placed, visible), paddingMask };
}

function toPatches(
  image: ImageInput,
  p: number,
): { patches: Tensor3D; grid: readonly [number, number] } {
  if ('patches' in image) {
    const [h, w] = image.grid;
    if (image.patches.shape[1] !== h * w || image.patches.shape[2] !== 3 * p * p) {
      throw new ShapeError({
        code: 'shape/patches',
        where: 'embedImage',
        expected: `patches [B, ${h * w}, ${3 * p * p}] for the grid ${h} × ${w}`,
        got: `[${image.patches.shape}]`,
      });
    }
    return image;
  }
  const [batch, channels, height, width] = image.pixels.shape;
  if (channels !== 3 || height % p !== 0 || width % p !== 0) {
    throw new ShapeError({
      code: 'shape/pixels',
      where: 'embedImage',
      expected: `pixels [B, 3, H, W], H and W multiples of ${p}`,
      got: `[${image.pixels.shape}]`,
    });
  }
  const [h, w] = [height / p, width / p];
  const blocks = reshape(image.pixels, [batch, 3, h, p, w, p]);
  const ordered = transpose(blocks, [0, 2, 4, 1, 3, 5]); // [B, h, w, 3, p, p]
  return { patches: reshape(ordered, [batch, h * w, 3 * p * p]) as Tensor3D, grid: [h, w] };
}
