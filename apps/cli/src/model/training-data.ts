import type { Dataset, ImageExample, PairExample, TextExample } from '@imglish/core';
import { mapDataset } from '@imglish/data';
import { openCaptionFolder, openTextFiles } from '@imglish/data/node';
import type { EmojiLanguage } from '@imglish/emoji';
import { emojiCorpus, emojiPairs } from '@imglish/emoji/node';
import type { PretrainData } from '@imglish/pretrain';

/** What to train on, as plain JSON: every rank opens it for itself and finds the same. */
export type TrainingSource = EmojiSource | FolderSource;

export interface EmojiSource {
  kind: 'emoji';
  seed: number;
  /** Pixels. */
  size: number;
  languages: EmojiLanguage[];
  /** Of each picture; by default five. */
  captions?: number;
  /** WordNet glosses among the texts. */
  glosses: number;
  /** Whether drawings under a share-alike licence are used. */
  shareAlike: boolean;
}

export interface FolderSource {
  kind: 'folder';
  /** Images with a captions file. */
  directory: string;
}

/** Opens what training reads; `textFiles` take the place of the source's own texts. */
export async function openTrainingData(
  source: TrainingSource,
  textFiles?: readonly string[],
): Promise<PretrainData> {
  const pairs = await openPairs(source);
  const images: Dataset<ImageExample> = mapDataset(pairs, ({ id, image }) => ({ id, image }));
  if (textFiles) return { pairs, images, texts: await openTextFiles(textFiles) };
  return { pairs, images, texts: await openTexts(source, pairs) };
}

async function openPairs(source: TrainingSource): Promise<Dataset<PairExample>> {
  if (source.kind === 'folder') return openCaptionFolder(source.directory);
  const { kind: _, glosses: __, ...options } = source;
  return emojiPairs({ split: 'train', ...options });
}

async function openTexts(
  source: TrainingSource,
  pairs: Dataset<PairExample>,
): Promise<Dataset<TextExample>> {
  if (source.kind === 'folder') {
    return mapDataset(pairs, ({ id, captions }) => ({ id, text: captions[0]! }));
  }
  const { seed, languages, glosses } = source;
  return emojiCorpus({ split: 'train', seed, languages, glosses });
}
