import type { RandomStream } from '@imglish/core';
import type { Pixels } from '@imglish/tokenizers';

export interface Mixed {
  images: Pixels[];
  /** Share of the image itself in what was made of it; the rest is its partner's. */
  share: number;
}

/**
 * Mixes every image of a batch with the one as far from the other end, all with one share λ: image i
 * with image B − 1 − i. Half the time by cutmix where both are on (Yun et al. 2019: a box of the
 * partner, area 1 − λ before it is cut at the borders), else by mixup (Zhang et al. 2018:
 * λ x + (1 − λ) partner). λ ~ Beta(α, α), α the setting; 0 turns one off. That is timm's `Mixup` in
 * batch mode, as the official script has it.
 */
export function mixImages(
  images: readonly Pixels[],
  { mixup, cutmix }: { mixup: number; cutmix: number },
  random: RandomStream,
): Mixed {
  if (mixup === 0 && cutmix === 0) return { images: [...images], share: 1 };
  const cuts = mixup === 0 || (cutmix > 0 && random.uniform() < 0.5);
  const share = symmetricBeta(cuts ? cutmix : mixup, random);
  const partnerOf = (i: number): Pixels => images[images.length - 1 - i]!;
  if (cuts) return cutBoxes(images, partnerOf, share, random);
  const mixed = images.map(({ height, width, data }, i) => {
    const other = partnerOf(i).data;
    return { height, width, data: data.map((x, k) => share * x + (1 - share) * other[k]!) };
  });
  return { images: mixed, share };
}

function cutBoxes(
  images: readonly Pixels[],
  partnerOf: (i: number) => Pixels,
  share: number,
  random: RandomStream,
): Mixed {
  const { height, width } = images[0]!;
  const side = Math.sqrt(1 - share);
  const [top, bottom] = stretch(height, Math.trunc(height * side), random);
  const [left, right] = stretch(width, Math.trunc(width * side), random);
  const mixed = images.map(({ data }, i) => {
    const other = partnerOf(i).data;
    const cut = data.slice();
    for (let channel = 0; channel < 3; channel++) {
      for (let y = top; y < bottom; y++) {
        const row = (channel * height + y) * width;
        cut.set(other.subarray(row + left, row + right), row + left);
      }
    }
    return { height, width, data: cut };
  });
  return { images: mixed, share: 1 - ((bottom - top) * (right - left)) / (height * width) };
}

/** A stretch of `length` about a random middle, what lies outside 0 … size cut off. */
function stretch(size: number, length: number, random: RandomStream): [from: number, to: number] {
  const middle = random.integer(size);
  const half = Math.floor(length / 2);
  return [Math.max(0, middle - half), Math.min(size, middle + half)];
}

/** Beta(α, α) by Jöhnk's method: U^(1/α) / (U^(1/α) + V^(1/α)) where that sum is at most 1. */
function symmetricBeta(alpha: number, random: RandomStream): number {
  for (;;) {
    const u = random.uniform() ** (1 / alpha);
    const v = random.uniform() ** (1 / alpha);
    if (u + v > 0 && u + v <= 1) return u / (u + v);
  }
}
