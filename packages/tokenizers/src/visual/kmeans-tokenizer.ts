import { rejectUnknownKeys, TokenizerError } from '@imglish/core';
import { gridOf, type PatchGrid, patchify, unpatchify } from '../image/patches.js';
import type { Pixels } from '../image/pixels.js';
import { CodeSearch } from './code-search.js';
import { PatchBasis } from './patch-basis.js';
import type { HostTensor, VisualTokenizer, VisualTokenizerConfig } from './visual-tokenizer.js';

/** The JSON beside the codebook of a `KMeansTokenizer`. */
export interface KMeansTokenizerConfig extends VisualTokenizerConfig {
  readonly type: 'kmeans';
  /** Pixels. */
  readonly patchSize: number;
}

/**
 * A visual tokenizer whose codes are mean patches: encoding finds the nearest one, decoding puts
 * them side by side.
 *
 * Patches are compared as they are, in pixels normalised by mean and deviation of the whole data
 * set, not of each patch: brightness and contrast are part of what a code stands for. Were they
 * taken out, the sky and the asphalt would be one word, noise in flat patches would be blown up to
 * the size of edges, and decoding would give relief instead of a picture.
 */
export class KMeansTokenizer implements VisualTokenizer {
  readonly codes: number;
  private readonly basis: PatchBasis;
  /** Over the codebook in that basis. */
  private readonly search: CodeSearch;

  /** `codebook`: patches `[codes, 3 · p · p]` in the order of `patchify`. */
  constructor(
    readonly patchSize: number,
    private readonly codebook: Float32Array,
  ) {
    const dims = 3 * patchSize * patchSize;
    this.codes = codebook.length / dims;
    if (
      !(Number.isSafeInteger(patchSize) && patchSize > 0 && this.codes >= 1 && this.codes % 1 === 0)
    ) {
      throw new TokenizerError({
        code: 'tokenizer/codebook',
        where: 'KMeansTokenizer',
        expected: 'a codebook [codes, 3 · p · p]',
        got: `${codebook.length} numbers and patch size ${patchSize}`,
      });
    }
    if (!codebook.every(Number.isFinite)) {
      throw new TokenizerError({
        code: 'tokenizer/codebook',
        where: 'KMeansTokenizer',
        expected: 'a codebook of finite numbers',
        got: 'NaN or infinity',
      });
    }
    this.basis = new PatchBasis(patchSize);
    const transformed = codebook.slice();
    this.basis.transform(transformed);
    this.search = new CodeSearch(transformed, dims);
  }

  grid(height: number, width: number): PatchGrid {
    return gridOf(height, width, this.patchSize);
  }

  /** The nearest code of each patch, row by row; of equally near ones the first. */
  encode(pixels: Pixels): Int32Array {
    const { dims } = this.basis;
    const { data } = patchify(pixels, this.patchSize);
    this.basis.transform(data);
    const codes = new Int32Array(data.length / dims);
    let code = 0;
    for (let i = 0; i < codes.length; i++) {
      // Neighbours look alike, so the last code is a good guess for the next.
      code = this.search.nearest(data, i * dims, code);
      codes[i] = code;
    }
    return codes;
  }

  /** The mean patches of the codes, put together. `tokenizer/code` where a code does not exist. */
  decode(codes: Int32Array, grid: PatchGrid): Pixels {
    const { dims } = this.basis;
    if (codes.length !== grid[0] * grid[1]) {
      throw new TokenizerError({
        code: 'tokenizer/grid',
        where: 'KMeansTokenizer.decode',
        expected: `${grid[0]} × ${grid[1]} codes`,
        got: `${codes.length}`,
      });
    }
    const data = new Float32Array(codes.length * dims);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i]!;
      if (!(code >= 0 && code < this.codes)) {
        throw new TokenizerError({
          code: 'tokenizer/code',
          where: 'KMeansTokenizer.decode',
          expected: `codes from 0 to ${this.codes - 1}`,
          got: `${code} at position ${i}`,
        });
      }
      data.set(this.codebook.subarray(code * dims, (code + 1) * dims), i * dims);
    }
    return unpatchify({ data, grid, patchSize: this.patchSize });
  }

  toJSON(): KMeansTokenizerConfig {
    return { type: 'kmeans', codes: this.codes, patchSize: this.patchSize };
  }

  /** `codebook`: `[codes, 3 · p · p]`. */
  toTensors(): { codebook: HostTensor } {
    return {
      codebook: { shape: [this.codes, this.basis.dims], data: this.codebook.slice() },
    };
  }

  /**
   * The tokenizer that `toJSON` and `toTensors` were taken from. Errors: `ConfigError` for unknown
   * keys, `TokenizerError` `tokenizer/codebook` where configuration and tensors do not fit.
   */
  static fromTensors(
    config: unknown,
    tensors: Readonly<Record<string, HostTensor>>,
  ): KMeansTokenizer {
    const where = 'KMeansTokenizer.fromTensors';
    rejectUnknownKeys(where, config as object, ['type', 'codes', 'patchSize']);
    const { type, codes, patchSize } = config as Partial<KMeansTokenizerConfig>;
    const { codebook } = tensors;
    const dims = 3 * (patchSize ?? 0) ** 2;
    const fits =
      type === 'kmeans' &&
      codebook?.shape.length === 2 &&
      codebook.shape[0] === codes &&
      codebook.shape[1] === dims &&
      codebook.data.length === codebook.shape[0]! * dims &&
      Object.keys(tensors).length === 1;
    if (!fits) {
      throw new TokenizerError({
        code: 'tokenizer/codebook',
        where,
        expected: `type kmeans and one tensor, codebook [${codes}, ${dims}]`,
        got: `type ${type} and ${
          Object.entries(tensors)
            .map(([name, tensor]) => `${name} [${tensor.shape.join(', ')}]`)
            .join(', ') || 'no tensors'
        }`,
      });
    }
    return new KMeansTokenizer(patchSize!, codebook.data.slice());
  }
}
