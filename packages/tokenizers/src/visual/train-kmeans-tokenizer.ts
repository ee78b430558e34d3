import { ConfigError, draw, rejectUnknownKeys, TokenizerError } from '@imglish/core';
import { patchify } from '../image/patches.js';
import type { Pixels } from '../image/pixels.js';
import { type CodebookReport, codebookReport } from './codebook-report.js';
import { type KMeansOptions, type KMeansProgress, kMeans } from './kmeans.js';
import { KMeansTokenizer } from './kmeans-tokenizer.js';
import { PatchBasis } from './patch-basis.js';

export interface TrainKMeansOptions {
  /** Size of the codebook, e.g. 256. */
  codes: number;
  /** Pixels. */
  patchSize: number;
  /** Default 0. */
  seed?: number;
  /** Most Lloyd iterations; default 10, after which little changes. */
  iterations?: number;
  /** Default `k-means++`. */
  start?: KMeansOptions['start'];
  /**
   * Most patches to train on; default 65536, or 64 per code if that is more. Where the images have
   * more, a sample of all is drawn in which each has the same chance.
   */
  maxPatches?: number;
  /** Called, and awaited, after each iteration. */
  onProgress?: (progress: KMeansProgress) => void | Promise<void>;
}

export interface KMeansTraining {
  tokenizer: KMeansTokenizer;
  /** About the patches that were trained on. */
  report: CodebookReport & {
    /** Patches of all images. */
    seenPatches: number;
    iterations: number;
    /** No patch changed its code in the last iteration. */
    converged: boolean;
  };
}

const WHERE = 'trainKMeansTokenizer';
const KEYS = ['codes', 'patchSize', 'seed', 'iterations', 'start', 'maxPatches', 'onProgress'];

/**
 * Learns the codebook of a `KMeansTokenizer` from normalised images `[3, H, W]`, which are read once
 * and may come from a stream. The same images in the same order and the same seed give the same
 * codebook.
 *
 * Errors: `ConfigError`; `TokenizerError` `tokenizer/too-few-patches` with fewer patches than codes;
 * `ImageError` for sides that are not multiples of the patch size.
 */
export async function trainKMeansTokenizer(
  images: Iterable<Pixels> | AsyncIterable<Pixels>,
  options: TrainKMeansOptions,
): Promise<KMeansTraining> {
  rejectUnknownKeys(WHERE, options, KEYS);
  const { codes, patchSize, seed = 0, iterations = 10, start = 'k-means++', onProgress } = options;
  const { maxPatches = Math.max(65_536, 64 * codes) } = options;
  for (const [name, value, least] of [
    ['codes', codes, 1],
    ['patchSize', patchSize, 1],
    ['seed', seed, 0],
    ['iterations', iterations, 1],
    ['maxPatches', maxPatches, codes],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < least) {
      invalid(`${name} to be an integer from ${least}`, String(value));
    }
  }
  if (start !== 'k-means++' && start !== 'random') {
    invalid('start to be k-means++ or random', String(start));
  }

  const sample = await samplePatches(images, patchSize, maxPatches, seed);
  const basis = new PatchBasis(patchSize);
  const { dims } = basis;
  const patches = sample.data.length / dims;
  if (patches < codes) {
    throw new TokenizerError({
      code: 'tokenizer/too-few-patches',
      where: WHERE,
      expected: `at least ${codes} patches, one per code`,
      got: `${patches}`,
      fix: 'Give more images or ask for fewer codes.',
    });
  }
  basis.transform(sample.data);
  const clustering = { codes, iterations, seed, start };
  const result = await kMeans(sample.data, dims, clustering, onProgress);
  const { centers, assignment, distances, converged } = result;
  const report = codebookReport(sample.data, dims, codes, assignment, distances);
  basis.inverse(centers);
  return {
    tokenizer: new KMeansTokenizer(patchSize, centers),
    report: { ...report, seenPatches: sample.seen, iterations: result.iterations, converged },
  };
}

/**
 * Reservoir sampling (Vitter's algorithm R): the first `most` patches, then the t-th takes the place
 * of one of them with probability most / t.
 */
async function samplePatches(
  images: Iterable<Pixels> | AsyncIterable<Pixels>,
  patchSize: number,
  most: number,
  seed: number,
): Promise<{ data: Float32Array; seen: number }> {
  const dims = 3 * patchSize * patchSize;
  const random = draw(seed, 'k-means sample');
  let kept = new Float32Array(0);
  let seen = 0;
  for await (const pixels of images) {
    const { data } = patchify(pixels, patchSize);
    for (let at = 0; at < data.length; at += dims, seen++) {
      const place = seen < most ? seen : random.integer(seen + 1);
      if (place >= most) continue;
      if ((place + 1) * dims > kept.length) {
        const grown = new Float32Array(Math.min(most, Math.max(1024, 2 * place)) * dims);
        grown.set(kept);
        kept = grown;
      }
      kept.set(data.subarray(at, at + dims), place * dims);
    }
  }
  return { data: kept.subarray(0, Math.min(seen, most) * dims), seen };
}

function invalid(expected: string, got: string): never {
  throw new ConfigError({ code: 'config/invalid-value', where: WHERE, expected, got });
}
