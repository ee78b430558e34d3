import type { PairExample } from '@imglish/core';
import type { FileReader } from '../formats/format.js';

/** A picture and its captions, before it is decoded. */
export interface CaptionedImage {
  readonly id: string;
  readonly image: string;
  readonly captions: readonly string[];
}

export async function readCaptionedImage(
  { id, image, captions }: CaptionedImage,
  reader: FileReader,
): Promise<PairExample> {
  return { id, image: await reader.image(image, `picture ${id}`), captions };
}

export function countCaptions({ captions }: CaptionedImage): { captions: number } {
  return { captions: captions.length };
}
