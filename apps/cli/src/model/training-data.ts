import type { Dataset, ImageExample, PairExample, TextExample } from '@imglish/core';
import { concatDatasets, type EncodedPair, mapDataset, shardDataset } from '@imglish/data';
import {
  imageDecoder,
  isShardName,
  openCaptions,
  openEncodedPairs,
  openShards,
  openTaskData,
  openTextFiles,
} from '@imglish/data/node';
import type { EmojiLanguage } from '@imglish/emoji';
import { type EmojiExample, type EmojiSplit, emojiCorpus, emojiPairs } from '@imglish/emoji/node';
import type { PretrainData } from '@imglish/pretrain';
import { encodePng } from '@imglish/tokenizers';

/** What to train on, as plain JSON: every rank opens it for itself and finds the same. */
export type TrainingSource = Source | SeveralSources;

export type Source = EmojiSource | FolderSource | ShardSource;

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

/** What `--data` names, pictures of `size` where they are made or resized on the way. */
export function trainingSource(
  names: readonly string[],
  size: [number, number],
  seed: number,
): TrainingSource {
  const sources = names.map((name): Source => {
    if (isShardName(name)) return { kind: 'shards', names: name, size };
    if (name !== 'emoji') return { kind: 'folder', directory: name };
    return {
      ...{ kind: 'emoji', seed, size: size[0], languages: ['en'] },
      ...{ glosses: 10_000, shareAlike: true },
    };
  });
  return sources.length === 1 ? sources[0]! : { kind: 'several', sources };
}

export interface OpenTrainingOptions {
  /** They take the place of the sources' own texts. */
  textFiles?: readonly string[] | undefined;
  /** Height and width to which pictures of folders are resized where they are decoded. */
  size?: readonly [number, number];
  /** Threads that decode; by default one less than there are processors. */
  decoders?: number | undefined;
  /** Is told of shards that are cut or damaged. */
  onDamage?: (message: string) => void;
}

/** Data whose files are open, and whose threads wait for pictures to decode. */
export interface TrainingData extends PretrainData {
  close(): Promise<void>;
}

/** Opens what training reads. Pictures are decoded, and resized, in threads. */
export async function openTrainingData(
  source: TrainingSource,
  options: OpenTrainingOptions = {},
): Promise<TrainingData> {
  const sources = source.kind === 'several' ? source.sources : [source];
  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const each of closing.splice(0)) await each();
  };
  try {
    const opened = await Promise.all(sources.map((each) => openSource(each, options, closing)));
    const pairs = concatDatasets(...opened.map((each) => each.pairs));
    const images: Dataset<ImageExample> = mapDataset(pairs, ({ id, image }) => ({ id, image }));
    const { textFiles } = options;
    const texts = textFiles
      ? await openTextFiles(textFiles)
      : concatDatasets(...(await Promise.all(opened.map((each) => each.texts()))));
    return { pairs, images, texts, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface OpenSource {
  pairs: Dataset<PairExample>;
  texts(): Promise<Dataset<TextExample>>;
}

async function openSource(
  source: Source,
  { size, decoders, onDamage }: OpenTrainingOptions,
  closing: (() => Promise<void>)[],
): Promise<OpenSource> {
  if (source.kind === 'emoji') {
    const { seed, languages, glosses } = source;
    const texts = () => emojiCorpus({ split: 'train', seed, languages, glosses });
    return { pairs: await emojiOf(source, 'train'), texts };
  }
  const side = source.kind === 'shards' ? source.size : size;
  const { decode, close } = imageDecoder({
    ...(side && { size: side }),
    ...(decoders !== undefined && { threads: decoders }),
  });
  closing.push(close);
  if (source.kind === 'folder') {
    const { directory } = source;
    const pairs = await openTaskData('image-captioning', directory, 'train', { decode });
    const texts = async () => firstCaptions(await openCaptions(directory, 'train'));
    return { pairs, texts };
  }
  const { shards, encoded, close: closeFiles } = await openShards([source.names], { decode });
  closing.push(closeFiles);
  for (const { damage } of shards) if (damage) onDamage?.(damage.message);
  const texts = async () => firstCaptions(shardDataset(encoded));
  return { pairs: shardDataset(shards), texts };
}

function firstCaptions(pairs: Dataset<Pick<PairExample, 'id' | 'captions'>>): Dataset<TextExample> {
  return mapDataset(pairs, ({ id, captions }) => ({ id, text: captions[0]! }));
}

/** Captioned pictures as they are stored, or drawn as PNG; of a folder, those of `split`. */
export async function openEncoded(
  source: Source,
  split: string,
): Promise<{ pairs: Dataset<EncodedPair>; close(): Promise<void> }> {
  if (source.kind === 'folder') {
    return { pairs: await openEncodedPairs(source.directory, split), close: async () => {} };
  }
  if (source.kind === 'shards') {
    const { encoded, close } = await openShards([source.names]);
    return { pairs: shardDataset(encoded), close };
  }
  const drawn = await emojiOf(source, 'train');
  const pairs = mapDataset(drawn, ({ id, image, captions }) => {
    return { id, image: encodePng(image), captions };
  });
  return { pairs, close: async () => {} };
}

/** The pairs of a split, captioned and drawn as the source says. */
export function emojiOf(
  { seed, size, languages, captions = 5, shareAlike }: EmojiSource,
  split: EmojiSplit,
): Promise<Dataset<EmojiExample>> {
  return emojiPairs({ split, seed, size, languages, captions, shareAlike });
}
