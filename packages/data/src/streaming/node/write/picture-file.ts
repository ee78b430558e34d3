import { encodePng, sniffImageFormat } from '@imglish/tokenizers';
import { decodeAnyImage } from '@imglish/tokenizers/node';

/** A picture as a file in a form that shards may have. */
export interface PictureFile {
  readonly extension: 'png' | 'jpg' | 'gif' | 'webp';
  readonly bytes: Uint8Array;
}

/** The picture as it is, or as PNG where it is in another form; rejects as `decodeAnyImage` does. */
export async function pictureFile(bytes: Uint8Array): Promise<PictureFile> {
  const format = sniffImageFormat(bytes);
  if (format === 'jpeg') return { extension: 'jpg', bytes };
  if (format !== undefined && format !== 'svg') return { extension: format, bytes };
  return { extension: 'png', bytes: encodePng(await decodeAnyImage(bytes)) };
}
