import { ConfigError, type Dataset, type PairExample, rejectUnknownKeys } from '@imglish/core';
import { checkIndex } from '@imglish/data';
import { captionsOf, checkCaptionOptions } from '../captions/captions.js';
import type { EmojiConcept } from '../catalogue/catalogue.js';
import { licenceOf } from '../licences/licences.js';
import { loadCatalogue } from '../packages.js';
import { type Background, backgroundOf, compose, white } from '../render/backgrounds.js';
import { loadRenders, type RendersOptions, selectRenders } from '../render/renders.js';
import {
  type EmojiGroup,
  type EmojiLanguage,
  type EmojiStyle,
  emojiGroups,
  emojiStyles,
} from '../styles.js';

/**
 * Which pairs:
 * - `train`: clusters to train on, in every style but the held-out one;
 * - `validation`: other clusters, in the same styles;
 * - `unseen-concept`: yet other clusters, in the same styles, for the final test;
 * - `unseen-style`: the clusters of `train`, in the held-out style;
 * - `all`: every cluster in every style.
 */
export type EmojiSplit = 'train' | 'validation' | 'unseen-concept' | 'unseen-style' | 'all';

/** All splits. */
export const emojiSplits: readonly EmojiSplit[] = [
  'train',
  'validation',
  'unseen-concept',
  'unseen-style',
  'all',
];

/** Options of `emojiPairs`, all optional. */
export interface EmojiPairsOptions extends RendersOptions {
  /** `train` by default. */
  readonly split?: EmojiSplit;
  /** All four by default. */
  readonly styles?: readonly EmojiStyle[];
  /** The style that only `unseen-style` and `all` show; `fluent-emoji-flat` by default. */
  readonly heldOutStyle?: EmojiStyle;
  /** Whether to use styles whose licence asks to share alike (openmoji); true by default. */
  readonly shareAlike?: boolean;
  /** All by default; `flags` is the one with the most names. */
  readonly groups?: readonly EmojiGroup[];
  /** Languages of the captions; `['en']` by default. */
  readonly languages?: readonly EmojiLanguage[];
  /** Captions of each picture, at most 5 for each language; 5 by default. */
  readonly captions?: number;
  /**
   * `pastel` (default): one of six pale colours, drawn for each picture, that some captions name;
   * `white`: always white, and not mentioned.
   */
  readonly background?: 'pastel' | 'white';
  /** Chooses the captions; splits and backgrounds do not depend on it. 0 by default. */
  readonly seed?: number;
}

const KNOWN: readonly (keyof EmojiPairsOptions)[] = [
  'split',
  'styles',
  'heldOutStyle',
  'shareAlike',
  'groups',
  'languages',
  'captions',
  'background',
  'seed',
  'size',
  'cacheDir',
  'onRender',
];

/** A picture of an emoji with captions. Its `id` is `style/concept id`. */
export interface EmojiExample extends PairExample {
  readonly style: EmojiStyle;
  /** For retrieval, any picture or caption of the same `concept.cluster` is right. */
  readonly concept: EmojiConcept;
}

/**
 * Emoji in four drawing styles with captions, style by style in the order of the catalogue (take
 * `epochOrder` to shuffle).
 *
 * A style is drawn when it is first asked for at a size, about two seconds at 32 px, and read from
 * the cache afterwards. In memory are four bytes for each pixel of the split.
 *
 * @throws ConfigError `config/option` for an option that cannot be, `config/unknown-key`; IoError `io/cache` where the
 * cache cannot be written.
 */
export async function emojiPairs(options: EmojiPairsOptions = {}): Promise<Dataset<EmojiExample>> {
  rejectUnknownKeys('emojiPairs', options, KNOWN);
  const { split, styles, groups, background } = checkOptions(options);
  const languages = options.languages ?? ['en'];
  const count = options.captions ?? 5;
  checkCaptionOptions('emojiPairs', languages, count);

  const catalogue = await loadCatalogue();
  const concepts = new Map(
    catalogue
      .filter((concept) => isIn(split, concept) && groups.includes(concept.group))
      .map((concept) => [concept.id, concept]),
  );
  const parts: { style: EmojiStyle; renders: Awaited<ReturnType<typeof loadRenders>> }[] = [];
  for (const style of styles) {
    const renders = await loadRenders(style, catalogue, options);
    parts.push({ style, renders: selectRenders(renders, [...concepts.keys()]) });
  }
  const items = parts.flatMap(({ style, renders }) => {
    const bytes = renders.size * renders.size * 4;
    return renders.ids.map((id, index) => ({
      style,
      concept: concepts.get(id)!,
      size: renders.size,
      rgba: renders.pixels.subarray(index * bytes, (index + 1) * bytes),
    }));
  });

  return {
    size: items.length,
    async get(index: number): Promise<EmojiExample> {
      checkIndex('emojiPairs.get', index, items.length);
      const { style, concept, size, rgba } = items[index]!;
      const id = `${style}/${concept.id}`;
      const behind: Background = background === 'white' ? white : backgroundOf(id);
      const captions = captionsOf(concept, {
        style,
        languages,
        count,
        seed: options.seed ?? 0,
        background: background === 'white' ? undefined : behind,
      });
      return { id, image: compose(rgba, size, behind), captions, style, concept };
    },
  };
}

/** Whether a concept belongs to a split. */
export function isIn(split: EmojiSplit, concept: EmojiConcept): boolean {
  switch (split) {
    case 'all':
      return true;
    case 'unseen-style':
      return concept.split === 'train';
    case 'unseen-concept':
      return concept.split === 'test';
    default:
      return concept.split === split;
  }
}

function checkOptions(options: EmojiPairsOptions): {
  split: EmojiSplit;
  styles: EmojiStyle[];
  groups: readonly EmojiGroup[];
  background: 'pastel' | 'white';
} {
  const split = options.split ?? 'train';
  const heldOut = options.heldOutStyle ?? 'fluent-emoji-flat';
  const groups = options.groups ?? emojiGroups;
  const background = options.background ?? 'pastel';
  checkOneOf('split', [split], emojiSplits);
  checkOneOf('styles', options.styles ?? [], emojiStyles);
  checkOneOf('heldOutStyle', [heldOut], emojiStyles);
  checkOneOf('groups', groups, emojiGroups);
  checkOneOf('background', [background], ['pastel', 'white']);

  const asked = emojiStyles.filter((style) => options.styles?.includes(style) ?? true);
  let styles = asked.filter((style) => style !== heldOut);
  if (split === 'all') styles = asked;
  if (split === 'unseen-style') styles = [heldOut];
  if (options.shareAlike === false) {
    styles = styles.filter((style) => !licenceOf(style).shareAlike);
  }
  if (styles.length === 0 || groups.length === 0) {
    throw new ConfigError({
      code: 'config/option',
      where: 'emojiPairs',
      expected: `a style and a group for the split ${split}`,
      got:
        `styles ${asked.join(', ') || 'none'} (${heldOut} held out` +
        `${options.shareAlike === false ? ', share-alike ones left out' : ''}), ` +
        `groups ${groups.join(', ') || 'none'}`,
    });
  }
  return { split, styles, groups, background };
}

function checkOneOf(name: string, values: readonly string[], known: readonly string[]): void {
  for (const value of values) {
    if (known.includes(value)) continue;
    throw new ConfigError({
      code: 'config/option',
      where: 'emojiPairs',
      expected: `${name} to be among ${known.join(', ')}`,
      got: String(value),
    });
  }
}
