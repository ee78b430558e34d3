import type { Dataset, ImageExample, RgbImage } from '@imglish/core';
import type { EmojiStyle } from '@imglish/emoji';
import { emojiPairs } from '@imglish/emoji/node';
import {
  type CodeAgreement,
  type CodebookUsage,
  codeAgreement,
  codebookUsage,
  defaultPreprocessor,
  type Pixels,
  preprocessImage,
  toImage,
  type VqKdTokenizer,
} from '@imglish/tokenizers';

/** A picture and what its codes tell of it. */
export interface Reconstruction {
  original: RgbImage;
  /** Absent without a pixel decoder. */
  drawn: RgbImage | undefined;
  codes: Int32Array;
}

/** The same emoji as two sets draw it. */
export interface StylePair {
  name: string;
  pictures: readonly [Reconstruction, Reconstruction];
}

export interface Comparison {
  /** Over the pictures that were looked at. */
  usage: CodebookUsage & { pictures: number };
  reconstructions: Reconstruction[];
  /** Of emoji only, and of concepts that training does not show. */
  styles?: CodeAgreement & { names: readonly [EmojiStyle, EmojiStyle]; examples: StylePair[] };
}

const STYLES = ['noto', 'twemoji'] as const satisfies readonly EmojiStyle[];
/** Pictures whose codes are counted, and that are shown. */
const PICTURES = 2000;
const SHOWN = 24;
const SHOWN_PAIRS = 12;
const AT_ONCE = 32;

/** Looks at what a tokenizer makes of pictures; with `emoji`, also whether it sees past a style. */
export async function compareCodes(
  tokenizer: VqKdTokenizer,
  images: Dataset<ImageExample>,
  { emoji, seed }: { emoji: boolean; seed: number },
): Promise<Comparison> {
  const counts = new Int32Array(tokenizer.codes);
  const pictures = Math.min(PICTURES, images.size);
  for (let from = 0; from < pictures; from += AT_ONCE) {
    const batch: Pixels[] = [];
    for (let i = from; i < Math.min(pictures, from + AT_ONCE); i++) {
      batch.push(pixelsOf(tokenizer, (await images.get(spread(i, pictures, images.size))).image));
    }
    for (const codes of await tokenizer.encodeAll(batch)) for (const code of codes) counts[code]!++;
  }
  const reconstructions: Reconstruction[] = [];
  const shown = Math.min(SHOWN, images.size);
  for (let i = 0; i < shown; i++) {
    const { image } = await images.get(spread(i, shown, images.size));
    reconstructions.push(await reconstruct(tokenizer, image));
  }
  return {
    usage: { pictures, ...codebookUsage(counts) },
    reconstructions,
    ...(emoji ? { styles: await compareStyles(tokenizer, seed) } : {}),
  };
}

async function compareStyles(
  tokenizer: VqKdTokenizer,
  seed: number,
): Promise<NonNullable<Comparison['styles']>> {
  const size = tokenizer.config.imageSize;
  const sets = await Promise.all(
    STYLES.map(async (style) => {
      const options = { split: 'unseen-concept', styles: [style], background: 'white' } as const;
      const found = await emojiPairs({ ...options, seed, size, captions: 1 });
      const byConcept = new Map<string, { image: RgbImage; name: string }>();
      for (let i = 0; i < found.size; i++) {
        const { concept, image, captions } = await found.get(i);
        byConcept.set(concept.id, { image, name: captions[0]! });
      }
      return byConcept;
    }),
  );
  const [first, second] = sets as [(typeof sets)[0], (typeof sets)[0]];
  const shared = [...first.keys()].filter((id) => second.has(id));
  const codesOf = (set: typeof first) =>
    encodeInBatches(
      tokenizer,
      shared.map((id) => set.get(id)!.image),
    );
  const agreement = codeAgreement(await codesOf(first), await codesOf(second));
  const examples: StylePair[] = [];
  const shown = Math.min(SHOWN_PAIRS, shared.length);
  for (let i = 0; i < shown; i++) {
    const id = shared[spread(i, shown, shared.length)]!;
    const { name } = first.get(id)!;
    const pictures = [
      await reconstruct(tokenizer, first.get(id)!.image),
      await reconstruct(tokenizer, second.get(id)!.image),
    ] as const;
    examples.push({ name, pictures });
  }
  return { ...agreement, names: STYLES, examples };
}

/** Place of the i-th of `count` that lie evenly among `size`. */
function spread(i: number, count: number, size: number): number {
  return Math.floor(((i + 0.5) * size) / count);
}

async function encodeInBatches(
  tokenizer: VqKdTokenizer,
  images: readonly RgbImage[],
): Promise<Int32Array[]> {
  const all: Int32Array[] = [];
  for (let from = 0; from < images.length; from += AT_ONCE) {
    const batch = images.slice(from, from + AT_ONCE).map((image) => pixelsOf(tokenizer, image));
    all.push(...(await tokenizer.encodeAll(batch)));
  }
  return all;
}

async function reconstruct(tokenizer: VqKdTokenizer, image: RgbImage): Promise<Reconstruction> {
  const pixels = pixelsOf(tokenizer, image);
  const codes = await tokenizer.encode(pixels);
  const drawn = await tokenizer.decode?.(codes, tokenizer.grid(pixels.height, pixels.width));
  return { original: toImage(pixels), drawn: drawn && toImage(drawn), codes };
}

function pixelsOf({ config }: VqKdTokenizer, image: RgbImage): Pixels {
  return preprocessImage(image, defaultPreprocessor(config.imageSize));
}
