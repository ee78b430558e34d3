import type { Dataset, ImageExample, PairExample, TextExample } from '@imglish/core';
import { mapDataset } from '@imglish/data';
import type { EmojiLanguage } from '@imglish/emoji';
import {
  type EmojiPairsOptions,
  type EmojiSplit,
  emojiCorpus,
  emojiPairs,
} from '@imglish/emoji/node';
import { progress } from '@imglish/train/node';

/** What is trained on, and what is kept unseen. */
export interface EmojiData {
  texts: Dataset<TextExample>;
  images: Dataset<ImageExample>;
  pairs: Dataset<PairExample>;
  /** Concepts that training never shows, in the styles that it does. */
  unseenConcepts: Dataset<PairExample>;
  /** Concepts that training shows, in a style that it does not. */
  unseenStyle: Dataset<PairExample>;
  /** Captions of unseen concepts. */
  unseenTexts: Dataset<TextExample>;
}

export interface EmojiDataOptions {
  seed: number;
  /** Pixels. */
  size: number;
  languages: readonly EmojiLanguage[];
  /** WordNet glosses among the texts. */
  glosses: number;
  shareAlike: boolean;
  json: boolean;
}

/** Draws (or reads from the cache) the emoji and writes their captions. */
export async function loadEmoji(options: EmojiDataOptions): Promise<EmojiData> {
  const { seed, size, languages, shareAlike, glosses, json } = options;
  const shown = progress('preparing the emoji', 3, { json });
  const of = async (split: EmojiSplit): Promise<Dataset<PairExample>> => {
    const settings: EmojiPairsOptions = { split, size, languages, shareAlike, seed };
    const pairs = await emojiPairs(settings);
    shown.advance();
    return pairs;
  };
  const pairs = await of('train');
  const unseenConcepts = await of('unseen-concept');
  const unseenStyle = await of('unseen-style');
  shown.finish();
  return {
    pairs,
    images: mapDataset(pairs, ({ id, image }) => ({ id, image })),
    unseenConcepts,
    unseenStyle,
    texts: await emojiCorpus({ split: 'train', languages, glosses, seed }),
    unseenTexts: await emojiCorpus({ split: 'unseen-concept', languages, glosses: 0, seed }),
  };
}
