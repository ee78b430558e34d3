import {
  ConfigError,
  type Dataset,
  draw,
  rejectUnknownKeys,
  type TextExample,
} from '@imglish/core';
import { arrayDataset, checkCount } from '@imglish/data';
import { captionsOf, checkCaptionOptions } from '../captions/captions.js';
import { loadCatalogue } from '../packages.js';
import { type EmojiSplit, emojiSplits, isIn } from '../pairs/emoji-pairs.js';
import { backgroundOf } from '../render/backgrounds.js';
import { type EmojiLanguage, emojiStyles } from '../styles.js';
import { isInsulting, loadGlosses } from './wordnet.js';

export interface EmojiCorpusOptions {
  /** Whose captions; `train` by default. */
  readonly split?: EmojiSplit;
  /** `['en']` by default. */
  readonly languages?: readonly EmojiLanguage[];
  /** Captions of each concept, at most 5 for each language; 5 by default. */
  readonly captions?: number;
  /** How many of WordNet's (English) glosses, chosen at random; 10,000 by default. */
  readonly glosses?: number;
  readonly seed?: number;
}

const KNOWN: readonly (keyof EmojiCorpusOptions)[] = [
  'split',
  'languages',
  'captions',
  'glosses',
  'seed',
];

/**
 * Text without pictures: captions of the concepts of a split, then glosses of WordNet as
 * `word: gloss`. Glosses that WordNet marks as insulting are left out. Nothing is drawn.
 *
 * @throws ConfigError `config/option`, `config/unknown-key`.
 */
export async function emojiCorpus(options: EmojiCorpusOptions = {}): Promise<Dataset<TextExample>> {
  rejectUnknownKeys('emojiCorpus', options, KNOWN);
  const { split = 'train', languages = ['en'], captions = 5, glosses = 10_000, seed = 0 } = options;
  checkCaptionOptions('emojiCorpus', languages, captions);
  checkCount('emojiCorpus', 'glosses', glosses);
  if (!emojiSplits.includes(split)) {
    throw new ConfigError({
      code: 'config/option',
      where: 'emojiCorpus',
      expected: `split to be among ${emojiSplits.join(', ')}`,
      got: String(split),
    });
  }
  const texts: TextExample[] = [];
  for (const concept of await loadCatalogue()) {
    if (!isIn(split, concept)) continue;
    const stream = draw(seed, `emoji/corpus/${concept.id}`);
    const style = emojiStyles[stream.integer(emojiStyles.length)]!;
    const background = backgroundOf(`${style}/${concept.id}`);
    const all = captionsOf(concept, { style, background, languages, count: captions, seed });
    all.forEach((text, index) => {
      texts.push({ id: `caption/${concept.id}/${index}`, text });
    });
  }
  if (glosses > 0) {
    const known = (await loadGlosses()).filter((gloss) => !isInsulting(gloss));
    if (glosses > known.length) {
      throw new ConfigError({
        code: 'config/option',
        where: 'emojiCorpus',
        expected: `at most ${known.length} glosses`,
        got: String(glosses),
      });
    }
    const order = draw(seed, 'emoji/glosses').permutation(known.length);
    for (const index of order.subarray(0, glosses)) {
      const { id, word, gloss } = known[index]!;
      texts.push({ id: `gloss/${id}`, text: `${word}: ${gloss}` });
    }
  }
  return arrayDataset(texts);
}
