import { type PairExample, type RgbImage, rejectUnknownKeys } from '@imglish/core';
import { decodeImage } from '@imglish/tokenizers';
import { recordError, shown } from '../records/record-error.js';

export interface DecodeOption {
  /** Turns the bytes of a picture into pixels; by default `decodeImage` of the tokenizers. */
  readonly decode?: (bytes: Uint8Array) => RgbImage | Promise<RgbImage>;
}

/** What a record says before its picture is decoded. */
export interface CaptionedBytes {
  readonly id: string;
  /** For messages: shard and record. */
  readonly place: string;
  readonly image: Uint8Array | undefined;
  /** As stored: trimmed here, blank ones left out. */
  readonly captions: readonly string[];
}

/** Decodes a record; throws `data/missing-image`, `data/no-captions`, and what `decode` throws. */
export async function decodeRecord(
  { id, place, image, captions }: CaptionedBytes,
  decode: NonNullable<DecodeOption['decode']>,
): Promise<PairExample> {
  if (!image || image.length === 0) {
    throw recordError('missing-image', place, `a picture for ${shown(id)}`, 'none');
  }
  const said = captions.map((caption) => caption.trim()).filter((caption) => caption !== '');
  if (said.length === 0) {
    throw recordError('no-captions', place, `a caption for ${shown(id)}`, 'none');
  }
  return { id, image: await decode(image), captions: said };
}

/** `decode` of the options, or its default. */
export function decodeOf(
  where: string,
  options: DecodeOption,
  others: readonly string[] = [],
): NonNullable<DecodeOption['decode']> {
  rejectUnknownKeys(where, options, ['decode', ...others]);
  return options.decode ?? decodeImage;
}

/** Names of the field that holds captions, in JSON and in Parquet; the first that is there is read. */
export const CAPTION_FIELDS = ['captions', 'caption', 'text', 'TEXT'] as const;

/** A caption or a list of them; anything else is none. */
export function captionsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
