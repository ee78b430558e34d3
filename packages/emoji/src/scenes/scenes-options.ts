import { ConfigError, rejectUnknownKeys } from '@imglish/core';
import { checkCaptionOptions } from '../captions/captions.js';
import { licenceOf } from '../licences/licences.js';
import { type EmojiLanguage, type EmojiStyle, emojiStyles } from '../styles.js';

/** The splits of scenes. */
export type SceneSplit = 'train' | 'val' | 'test' | 'test-concepts';

/**
 * - `train`, `val`: the same concepts and combinations;
 * - `test`: the same concepts, each picture with a combination that is in neither of these;
 * - `test-concepts`: other concepts.
 */
export const sceneSplits: readonly SceneSplit[] = ['train', 'val', 'test', 'test-concepts'];

/** The folders that `writeScenes` can fill, each in the official layout of a data set. */
export type SceneLayout = 'coco' | 'nlvr2' | 'imagenet' | 'ade20k';

export const sceneLayouts: readonly SceneLayout[] = ['coco', 'nlvr2', 'imagenet', 'ade20k'];

/** Options of the scenes, all optional. */
export interface ScenesOptions {
  /** Pictures of `coco`, all splits together, 40 … 100,000; the others follow. 5,000 by default. */
  readonly images?: number;
  /** Another seed gives other scenes; splits stay. 0 by default. */
  readonly seed?: number;
  /** Side of the pictures in pixels, 64 … 512; 128 by default. */
  readonly size?: number;
  /** Things in a picture, at most, 3 … 8; 8 by default. Fewer are larger, and easier to learn from. */
  readonly things?: number;
  /** How many concepts, or which (nouns or ids); all of them by default. */
  readonly concepts?: number | readonly string[];
  /** All four by default. */
  readonly styles?: readonly EmojiStyle[];
  /** Whether to use styles whose licence asks to share alike (openmoji); true by default. */
  readonly shareAlike?: boolean;
  /** Languages of the captions; `['en']` by default. Questions and statements are in English. */
  readonly languages?: readonly EmojiLanguage[];
  /** Questions of a picture, at most; 6 by default. */
  readonly questions?: number;
  /** All four by default. */
  readonly layouts?: readonly SceneLayout[];
}

/** Options with their defaults, checked. */
export interface ScenePlan {
  readonly images: Readonly<Record<SceneSplit, number>>;
  /** Sets of four pairs of pictures for NLVR2. */
  readonly statementSets: Readonly<Record<SceneSplit, number>>;
  /** Pictures of each class for ImageNet. */
  readonly perClass: Readonly<Record<Exclude<SceneSplit, 'test-concepts'>, number>>;
  readonly seed: number;
  readonly size: number;
  readonly things: number;
  readonly concepts: number | readonly string[] | undefined;
  readonly styles: readonly EmojiStyle[];
  readonly languages: readonly EmojiLanguage[];
  readonly questions: number;
  readonly layouts: readonly SceneLayout[];
}

/** More would not be seen at 64 pixels. */
const MOST_THINGS = 8;

const KNOWN: readonly (keyof ScenesOptions)[] = [
  'images',
  'seed',
  'size',
  'things',
  'concepts',
  'styles',
  'shareAlike',
  'languages',
  'questions',
  'layouts',
];

/** Captions of a picture in each language. */
export const CAPTIONS = 5;

/**
 * What will be made: of the pictures 70 % are for `train`, 10 % for each of the others; for NLVR2
 * seven pictures for ten of these (in sets of eight), for ImageNet about one.
 *
 * @throws ConfigError `config/option`, `config/unknown-key`.
 */
export function planScenes(options: ScenesOptions): ScenePlan {
  rejectUnknownKeys('planScenes', options, KNOWN);
  const { images = 5000, seed = 0, size = 128, things = MOST_THINGS, questions = 6 } = options;
  checkInteger('images', images, 40, 100_000);
  checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('size', size, 64, 512);
  checkInteger('things', things, 3, MOST_THINGS);
  checkInteger('questions', questions, 1, 12);
  const languages = options.languages ?? ['en'];
  checkCaptionOptions('planScenes', languages, languages.length);
  const asked = options.styles ?? emojiStyles;
  const layouts = options.layouts ?? sceneLayouts;
  checkAmong('styles', asked, emojiStyles);
  checkAmong('layouts', layouts, sceneLayouts);
  const styles = emojiStyles.filter(
    (style) =>
      asked.includes(style) && (options.shareAlike !== false || !licenceOf(style).shareAlike),
  );
  if (styles.length === 0) {
    throw optionError('a style whose licence does not ask to share alike', asked.join(', '));
  }
  const tenth = Math.floor(images / 10);
  const others = { val: tenth, test: tenth, 'test-concepts': tenth };
  const sets = Math.max(1, Math.floor((images * 0.07) / 8));
  return {
    images: { train: images - 3 * tenth, ...others },
    statementSets: { train: 7 * sets, val: sets, test: sets, 'test-concepts': sets },
    perClass: {
      train: Math.max(2, Math.round(images / 130)),
      val: Math.max(1, Math.round(images / 650)),
      test: Math.max(1, Math.round(images / 650)),
    },
    seed,
    size,
    things,
    concepts: options.concepts,
    styles,
    languages,
    questions,
    layouts: sceneLayouts.filter((layout) => layouts.includes(layout)),
  };
}

function checkInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw optionError(`${name} to be a whole number of ${least} … ${most}`, String(value));
}

function checkAmong<T extends string>(
  name: string,
  values: readonly T[],
  known: readonly T[],
): void {
  const valid = values.length > 0 && values.every((value) => known.includes(value));
  if (!valid) {
    throw optionError(`${name} to be some of ${known.join(', ')}`, values.join(', ') || 'none');
  }
}

function optionError(expected: string, got: string): ConfigError {
  return new ConfigError({ code: 'config/option', where: 'planScenes', expected, got });
}
