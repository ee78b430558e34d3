import type { Dataset, ImageExample, PairExample, TextExample } from '@imglish/core';
import { concatDatasets, mapDataset, shardDataset } from '@imglish/data';
import { imageDecoder, openShards, openTaskData, openTextFiles } from '@imglish/data/node';
import type { EmojiLanguage } from '@imglish/emoji';
import { type EmojiExample, type EmojiSplit, emojiCorpus, emojiPairs } from '@imglish/emoji/node';
import type { PretrainData } from '@imglish/pretrain';

/** What to train on, as plain JSON: every rank opens it for itself and finds the same. */
export type TrainingSource = Source | SeveralSources;

type Source = EmojiSource | FolderSource | ShardSource;

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
  /** Captioned images in any of the formats that are read for captioning; of splits, `train`. */
  directory: string;
}

/** Captioned images in WebDataset's tar shards or Parquet. */
export interface ShardSource {
  kind: 'shards';
  /** A name, or a pattern with braces. */
  names: string;
  /** Height and width to which pictures are resized where they are decoded, in threads. */
  size: [number, number];
}

/** One after the other. */
export interface SeveralSources {
  kind: 'several';
  sources: readonly Source[];
}

/** Opens what training reads; `textFiles` take the place of the source's own texts. */
export async function openTrainingData(
  source: TrainingSource,
  textFiles?: readonly string[],
): Promise<PretrainData> {
  const sources = source.kind === 'several' ? source.sources : [source];
  const opened = await Promise.all(sources.map(openPairs));
  const pairs = concatDatasets(...opened);
  const images: Dataset<ImageExample> = mapDataset(pairs, ({ id, image }) => ({ id, image }));
  if (textFiles) return { pairs, images, texts: await openTextFiles(textFiles) };
  const texts = await Promise.all(sources.map((each, i) => openTexts(each, opened[i]!)));
  return { pairs, images, texts: concatDatasets(...texts) };
}

async function openPairs(source: Source): Promise<Dataset<PairExample>> {
  if (source.kind === 'folder') return openTaskData('image-captioning', source.directory, 'train');
  if (source.kind === 'shards') {
    const { decode } = imageDecoder({ size: source.size });
    const { shards } = await openShards([source.names], { decode });
    return shardDataset(shards, {
      onBroken: ({ shard, record, error }) =>
        console.error(`passed over ${shard}, record ${record}: ${error.message}`),
    });
  }
  return emojiOf(source, 'train');
}

/** The pairs of a split, captioned and drawn as the source says. */
export function emojiOf(
  { seed, size, languages, captions = 5, shareAlike }: EmojiSource,
  split: EmojiSplit,
): Promise<Dataset<EmojiExample>> {
  return emojiPairs({ split, seed, size, languages, captions, shareAlike });
}

async function openTexts(
  source: Source,
  pairs: Dataset<PairExample>,
): Promise<Dataset<TextExample>> {
  if (source.kind !== 'emoji') {
    return mapDataset(pairs, ({ id, captions }) => ({ id, text: captions[0]! }));
  }
  const { seed, languages, glosses } = source;
  return emojiCorpus({ split: 'train', seed, languages, glosses });
}
