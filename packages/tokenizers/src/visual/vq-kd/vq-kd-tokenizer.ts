import {
  type Backend,
  disposeAll,
  type Executor,
  executorFor,
  type HostTensor as HostValues,
  ops,
  type Parameters,
  parameter,
  TokenizerError,
  type Traceable,
} from '@imglish/core';
import {
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor,
} from '@tensorflow/tfjs-core';
import { fail } from '../../image/image-error.js';
import { gridOf, type PatchGrid, patchify, unpatchify } from '../../image/patches.js';
import type { Pixels } from '../../image/pixels.js';
import type { HostTensor, VisualTokenizer, VisualTokenizerConfig } from '../visual-tokenizer.js';
import { type VqKdConfig, vqKdConfig } from './config.js';
import { nearestCodes } from './quantize.js';
import { vqKdSpecs } from './specs.js';
import { patchCount, vqKdEncode, vqKdPicture } from './vq-kd.js';

const { l2Normalize } = ops;

/** The JSON beside the weights of a `VqKdTokenizer`. */
export interface VqKdTokenizerConfig extends Readonly<VqKdConfig>, VisualTokenizerConfig {
  readonly type: 'vq-kd';
}

/** One compilation serves any number of images. */
const FREE_SIZES = { patches: { 0: 'images' }, codes: { 0: 'images' } };

/**
 * A visual tokenizer that was trained as VQ-KD: a code stands for what a teacher sees in a patch and
 * around it. Reads square images of one size, pixels in −1 … 1 (mean and deviation 0.5).
 *
 * Computes on the backend it was given, compiled if that compiles; without one, on the current tfjs
 * backend. What it puts there, at the first call, is freed by `dispose`.
 */
export class VqKdTokenizer implements VisualTokenizer {
  readonly codes: number;
  /**
   * Pictures of codes, drawn by the pixel decoder, which looks at all of them together; absent where
   * the tokenizer was trained without one. `tokenizer/code` where a code does not exist.
   */
  readonly decode?: (codes: Int32Array, grid: PatchGrid) => Promise<Pixels>;
  private readonly encodeBatch: Traceable;
  private readonly decodeBatch: Traceable;
  private onBackend: { executor: Executor; parameters: Parameters } | undefined;

  /**
   * `tensors`: all of `vqKdSpecs(config)`, by name, which official checkpoints have. Throws
   * `tokenizer/tensors` naming those that are missing, not known or of another shape.
   */
  constructor(
    readonly config: VqKdConfig,
    private readonly tensors: Readonly<Record<string, HostTensor>>,
    private readonly backend: Pick<Backend, 'compiler'> = {},
  ) {
    requireTensors(config, tensors);
    this.codes = config.codes;
    if (config.pixelDecoder) this.decode = (codes, grid) => this.draw(codes, grid);
    this.encodeBatch = function encode({ patches }, parameters) {
      const vectors = vqKdEncode(parameters, config, patches as Tensor3D);
      const codebook = parameter(parameters, 'quantize.embedding.weight') as Tensor2D;
      return { codes: nearestCodes(l2Normalize(vectors) as Tensor2D, codebook) };
    };
    this.decodeBatch = function decode({ codes }, parameters) {
      const flat = ops.reshape(codes!, [-1]) as Tensor1D;
      return { patches: vqKdPicture(parameters, config, flat) };
    };
  }

  /** `image/size` for any but the one size that it reads. */
  grid(height: number, width: number): PatchGrid {
    const { imageSize, patchSize } = this.config;
    if (height !== imageSize || width !== imageSize) {
      fail('size', {
        where: 'VqKdTokenizer.grid',
        expected: `an image of ${imageSize} × ${imageSize}, which this tokenizer was trained on`,
        got: `${height} × ${width}`,
        fix: 'Resize the image, or train a tokenizer for that size.',
      });
    }
    return gridOf(height, width, patchSize);
  }

  async encode(pixels: Pixels): Promise<Int32Array> {
    return (await this.encodeAll([pixels]))[0]!;
  }

  /** The codes of several images, computed together. */
  async encodeAll(images: readonly Pixels[]): Promise<Int32Array[]> {
    if (images.length === 0) return [];
    const { patchSize } = this.config;
    const count = patchCount(this.config);
    const size = 3 * patchSize * patchSize;
    const data = new Float32Array(images.length * count * size);
    images.forEach((pixels, i) => {
      this.grid(pixels.height, pixels.width);
      data.set(patchify(pixels, patchSize).data, i * count * size);
    });
    const patches: HostValues = { dtype: 'float32', shape: [images.length, count, size], data };
    const { codes } = await this.executor().run(this.encodeBatch, { patches });
    const all = codes!.data as Int32Array;
    return images.map((_, i) => all.slice(i * count, (i + 1) * count));
  }

  toJSON(): VqKdTokenizerConfig {
    return { type: 'vq-kd', ...this.config };
  }

  toTensors(): Record<string, HostTensor> {
    return Object.fromEntries(
      Object.entries(this.tensors).map(([name, { shape, data }]) => {
        return [name, { shape, data: data.slice() }];
      }),
    );
  }

  async dispose(): Promise<void> {
    const { onBackend } = this;
    this.onBackend = undefined;
    await onBackend?.executor.dispose();
    if (onBackend) disposeAll(onBackend.parameters);
  }

  /**
   * The tokenizer that `toJSON` and `toTensors` were taken from. Errors: `ConfigError` for the
   * configuration, `TokenizerError` `tokenizer/tensors` where tensors do not fit it.
   */
  static fromTensors(
    config: unknown,
    tensors: Readonly<Record<string, HostTensor>>,
    backend: Pick<Backend, 'compiler'> = {},
  ): VqKdTokenizer {
    const { type, ...sizes } = config as VqKdTokenizerConfig;
    if (type !== 'vq-kd') {
      throw new TokenizerError({
        code: 'tokenizer/visual-type',
        where: 'VqKdTokenizer.fromTensors',
        expected: 'type vq-kd',
        got: String(type),
      });
    }
    return new VqKdTokenizer(vqKdConfig(sizes), tensors, backend);
  }

  private async draw(codes: Int32Array, grid: PatchGrid): Promise<Pixels> {
    const { patchSize, imageSize } = this.config;
    const side = imageSize / patchSize;
    if (grid[0] !== side || grid[1] !== side || codes.length !== side * side) {
      throw new TokenizerError({
        code: 'tokenizer/grid',
        where: 'VqKdTokenizer.decode',
        expected: `${side} × ${side} codes`,
        got: `${codes.length} for a grid ${grid[0]} × ${grid[1]}`,
      });
    }
    const wrong = codes.findIndex((code) => !(code >= 0 && code < this.codes));
    if (wrong >= 0) {
      throw new TokenizerError({
        code: 'tokenizer/code',
        where: 'VqKdTokenizer.decode',
        expected: `codes from 0 to ${this.codes - 1}`,
        got: `${codes[wrong]} at position ${wrong}`,
      });
    }
    const given: HostValues = { dtype: 'int32', shape: [1, codes.length], data: codes };
    const { patches } = await this.executor().run(this.decodeBatch, { codes: given });
    return unpatchify({ data: patches!.data as Float32Array, grid, patchSize });
  }

  private executor(): Executor {
    if (!this.onBackend) {
      const parameters: Record<string, Tensor> = {};
      for (const [name, { shape, data }] of Object.entries(this.tensors)) {
        parameters[name] = tensor(data.slice(), [...shape], 'float32');
      }
      const executor = executorFor(this.backend, parameters, { freeSizes: FREE_SIZES });
      this.onBackend = { executor, parameters };
    }
    return this.onBackend.executor;
  }
}

function requireTensors(config: VqKdConfig, tensors: Readonly<Record<string, HostTensor>>): void {
  const specs = vqKdSpecs(config);
  const names = new Set([...Object.keys(specs), ...Object.keys(tensors)]);
  const show = (shape: readonly number[] | undefined): string => (shape ? `[${shape}]` : 'none');
  const wrong = [...names].flatMap((name) => {
    const [wanted, found] = [show(specs[name]?.shape), show(tensors[name]?.shape)];
    return wanted === found ? [] : [`${name} ${found} (expected ${wanted})`];
  });
  if (wrong.length === 0) return;
  throw new TokenizerError({
    code: 'tokenizer/tensors',
    where: 'VqKdTokenizer',
    expected: 'the tensors of its configuration',
    got: wrong.join(', '),
  });
}
