import { ConfigError, DataError, draw, type RandomStream, rejectUnknownKeys } from '@imglish/core';
import type { Pixels } from '@imglish/tokenizers';

export interface MixOptions {
  /** Number of classes. */
  readonly classes: number;
  /** Parameter of mixup's Beta(α, α); 0 for no mixup. */
  readonly mixup?: number;
  /** Parameter of cutmix's Beta(α, α); 0 for no cutmix. */
  readonly cutmix?: number;
  /** With which probability a batch is mixed; default 1. */
  readonly probability?: number;
  /** Where both are on, with which probability cutmix is taken; default 0.5. */
  readonly switchProbability?: number;
  /** Label smoothing; default 0.1. */
  readonly smoothing?: number;
}

export interface MixedBatch {
  readonly images: readonly Pixels[];
  /** `[B, classes]`, rows add up to 1. */
  readonly targets: Float32Array;
  /** The share of an image's own pixels and label; 1 where nothing was mixed. */
  readonly share: number;
}

/**
 * Mixes image i of a batch with image B − 1 − i, and their labels: timm's `Mixup` in its mode `batch`.
 *
 * mixup: λ·x + (1 − λ)·x′, λ ~ Beta(α, α). cutmix: a rectangle of √(1 − λ) of both sides is taken from
 * the other image, and λ becomes the share of pixels that stay. Targets: λ·y + (1 − λ)·y′, where y
 * is 1 − s + s / C at the label and s / C elsewhere. What is drawn depends on seed and step alone.
 *
 * Errors: `ConfigError` `config/option`; `DataError` `data/label`, `data/batch` (images of several
 * sizes, or not as many labels).
 */
export function mixBatch(
  images: readonly Pixels[],
  labels: readonly number[],
  options: MixOptions,
  seed: number,
  step: number,
): MixedBatch {
  const {
    mixup = 0,
    cutmix = 0,
    probability = 1,
    switchProbability = 0.5,
    smoothing = 0.1,
  } = options;
  checkOptions(options);
  checkBatch(images, labels, options.classes);
  const random = draw(seed, 'data/mix', step);
  const isMixed = mixup + cutmix > 0 && random.uniform() < probability;
  if (!isMixed)
    return { images, targets: targetsOf(labels, options.classes, smoothing, 1), share: 1 };
  const cuts = cutmix > 0 && (mixup === 0 || random.uniform() < switchProbability);
  const drawn = beta(random, cuts ? cutmix : mixup);
  const { images: mixed, share } = cuts ? cut(images, drawn, random) : blend(images, drawn);
  return { images: mixed, targets: targetsOf(labels, options.classes, smoothing, share), share };
}

function blend(images: readonly Pixels[], share: number): Omit<MixedBatch, 'targets'> {
  const mixed = images.map((image, i) => {
    const other = images[images.length - 1 - i]!.data;
    return {
      ...image,
      data: image.data.map((value, at) => share * value + (1 - share) * other[at]!),
    };
  });
  return { images: mixed, share };
}

function cut(
  images: readonly Pixels[],
  drawn: number,
  random: RandomStream,
): Omit<MixedBatch, 'targets'> {
  const { width, height } = images[0]!;
  const side = Math.sqrt(1 - drawn);
  const [w, h] = [Math.trunc(width * side), Math.trunc(height * side)];
  const [x, y] = [random.integer(width), random.integer(height)];
  const edge = (at: number, size: number): number => Math.min(size, Math.max(0, at));
  const left = edge(x - Math.floor(w / 2), width);
  const right = edge(x + Math.floor(w / 2), width);
  const top = edge(y - Math.floor(h / 2), height);
  const bottom = edge(y + Math.floor(h / 2), height);
  const mixed = images.map((image, i) => {
    const other = images[images.length - 1 - i]!.data;
    const data = image.data.slice();
    for (let channel = 0; channel < 3; channel++) {
      for (let row = top; row < bottom; row++) {
        const from = (channel * height + row) * width;
        data.set(other.subarray(from + left, from + right), from + left);
      }
    }
    return { ...image, data };
  });
  return { images: mixed, share: 1 - ((right - left) * (bottom - top)) / (width * height) };
}

function targetsOf(
  labels: readonly number[],
  classes: number,
  smoothing: number,
  share: number,
): Float32Array {
  const targets = new Float32Array(labels.length * classes).fill(smoothing / classes);
  for (const [i, label] of labels.entries()) {
    const other = labels[labels.length - 1 - i]!;
    targets[i * classes + label]! += share * (1 - smoothing);
    targets[i * classes + other]! += (1 - share) * (1 - smoothing);
  }
  return targets;
}

/** Beta(α, α), as the share of one of two Gamma(α) variates. */
function beta(random: RandomStream, alpha: number): number {
  const a = gamma(random, alpha);
  const b = gamma(random, alpha);
  return a + b > 0 ? a / (a + b) : 0.5;
}

/** Gamma(α, 1): Marsaglia and Tsang, "A simple method for generating gamma variables" (2000). */
function gamma(random: RandomStream, alpha: number): number {
  if (alpha < 1) {
    const u = (random.uint32() + 1) / 2 ** 32;
    return gamma(random, alpha + 1) * u ** (1 / alpha);
  }
  const d = alpha - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    const u = (random.uint32() + 1) / 2 ** 32;
    if (Math.log(u) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

function checkOptions(options: MixOptions): void {
  const where = 'mixBatch';
  rejectUnknownKeys(where, options, [
    'classes',
    'mixup',
    'cutmix',
    'probability',
    'switchProbability',
    'smoothing',
  ]);
  const { classes, ...rest } = options;
  if (!Number.isSafeInteger(classes) || classes < 1) {
    refuse('classes to be a whole number of at least 1', String(classes));
  }
  for (const [name, value] of Object.entries(rest)) {
    const most = name === 'mixup' || name === 'cutmix' ? Number.MAX_VALUE : 1;
    if (!(value >= 0 && value <= most))
      refuse(`${name} to be at least 0${most === 1 ? ', at most 1' : ''}`, String(value));
  }
  function refuse(expected: string, got: string): never {
    throw new ConfigError({ code: 'config/option', where, expected, got });
  }
}

function checkBatch(images: readonly Pixels[], labels: readonly number[], classes: number): void {
  const where = 'mixBatch';
  const [first] = images;
  const alike = images.every(
    ({ width, height }) => width === first!.width && height === first!.height,
  );
  if (images.length === 0 || images.length !== labels.length || !alike) {
    const expected = 'at least one image, all of one size, and a label for each';
    const got = `${images.length} images${alike ? '' : ' of several sizes'} and ${labels.length} labels`;
    throw new DataError({ code: 'data/batch', where, expected, got });
  }
  const wrong = labels.find((label) => !Number.isInteger(label) || label < 0 || label >= classes);
  if (wrong !== undefined) {
    const expected = `labels 0 … ${classes - 1}`;
    throw new DataError({ code: 'data/label', where, expected, got: String(wrong) });
  }
}
