import { ImageError, ImglishError, type PairExample, type RgbImage } from '@imglish/core';
import { recordError, shown } from '../records/record-error.js';
import { mapShard, type Shard } from './shard.js';

/** A picture as it is stored, and its captions. */
export interface EncodedPair {
  readonly id: string;
  /** A file: PNG, JPEG, … */
  readonly image: Uint8Array;
  readonly captions: readonly string[];
}

export interface DecodeOption {
  /** Turns the bytes of a picture into pixels; by default `decodeImage` of the tokenizers. */
  readonly decode?: DecodeImage;
}

export type DecodeImage = (bytes: Uint8Array) => RgbImage | Promise<RgbImage>;

/** What a record was found to hold. */
export interface FoundRecord {
  readonly id: string;
  /** For messages: shard and record. */
  readonly place: string;
  readonly image: Uint8Array | undefined;
  /** As stored: trimmed by `checkedRecord`, blank ones left out. */
  readonly captions: readonly string[];
}

/** What a record holds, if it is whole; throws `data/missing-image`, `data/no-captions`. */
export function checkedRecord({ id, place, image, captions }: FoundRecord): EncodedPair {
  if (!image || image.length === 0) {
    throw recordError('missing-image', place, `a picture for ${shown(id)}`, 'none');
  }
  const said = captions.map((caption) => caption.trim()).filter((caption) => caption !== '');
  if (said.length === 0) {
    throw recordError('no-captions', place, `a caption for ${shown(id)}`, 'none');
  }
  return { id, image, captions: said };
}

/** The records of a shard with their pictures decoded; errors of `decode` name the record. */
export function decodedShard(shard: Shard<EncodedPair>, decode: DecodeImage): Shard<PairExample> {
  return mapShard(shard, async ({ id, image, captions }, record) => {
    try {
      return { id, image: await decode(image), captions };
    } catch (error) {
      if (!ImglishError.isInstance(error) || !error.code.startsWith('image/')) throw error;
      const { code, expected, got, fix } = error;
      const where = `${shard.name}, record ${record}`;
      throw new ImageError({ code, where, expected, got, ...(fix && { fix }), cause: error });
    }
  });
}

/** Names of the field that holds captions, in JSON and in Parquet; the first that is there is read. */
export const CAPTION_FIELDS = ['captions', 'caption', 'text', 'TEXT'] as const;

/** A caption or a list of them; anything else is none. */
export function captionsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
