import type { Dataset, PairExample, TextExample } from '@imglish/core';
import { emojiCorpus } from '@imglish/emoji/node';
import type { PretrainData } from '@imglish/pretrain';
import { progress } from '@imglish/train/node';
import { type EmojiSource, emojiOf, openTrainingData } from '../model/training-data.js';

/** What is trained on, and what is kept unseen. */
export interface EmojiData extends PretrainData {
  /** Concepts that training never shows, in the styles that it does. */
  unseenConcepts: Dataset<PairExample>;
  /** Concepts that training shows, in a style that it does not. */
  unseenStyle: Dataset<PairExample>;
  /** Captions of unseen concepts. */
  unseenTexts: Dataset<TextExample>;
}

/** Draws (or reads from the cache) the emoji and writes their captions. */
export async function loadEmoji(source: EmojiSource, json: boolean): Promise<EmojiData> {
  const { seed, languages } = source;
  const shown = progress('preparing the emoji', 3, { json });
  const training = await openTrainingData(source);
  shown.advance();
  const unseen = async (split: 'unseen-concept' | 'unseen-style') => {
    const pairs = await emojiOf(source, split);
    shown.advance();
    return pairs;
  };
  const unseenConcepts = await unseen('unseen-concept');
  const unseenStyle = await unseen('unseen-style');
  shown.finish();
  const unseenTexts = await emojiCorpus({ split: 'unseen-concept', languages, glosses: 0, seed });
  return { ...training, unseenConcepts, unseenStyle, unseenTexts };
}
