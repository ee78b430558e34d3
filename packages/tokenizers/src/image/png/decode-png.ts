import type { RgbImage } from '@imglish/core';
import {
  checkSize,
  type DecodeImageOptions,
  type DecodeLimits,
  resolveLimits,
} from '../decode-options.js';
import { corrupt, truncated, unsupported } from '../image-error.js';
import { inflate } from './inflate.js';
import { crc32, PNG_SIGNATURE } from './png-format.js';
import { type PngHeader, pngPasses, readPngHeader } from './png-header.js';
import { type PngColors, type RowWriter, rowWriter } from './png-pixels.js';
import { rowSink } from './png-rows.js';

const WHERE = 'decodePng';

/**
 * Decodes a PNG: every colour type and bit depth, interlaced or not; of an animation the first
 * picture. Colour profiles and gamma are ignored.
 *
 * Rows are written as they are inflated, and inflating stops with the last row, so a file that
 * expands without end costs nothing. Errors: `ImageError` `image/corrupt`, `image/truncated`,
 * `image/too-large`, `image/unsupported`. Source: PNG specification, third edition (W3C).
 */
export function decodePng(bytes: Uint8Array, options: DecodeImageOptions = {}): RgbImage {
  const { header, colors, parts, limits } = readPng(bytes, options);
  const { width, height } = header;
  const data = new Uint8Array(3 * width * height);
  readRows(header, parts, rowWriter(header, colors, limits.background, data));
  return { width, height, data };
}

/** A PNG's chunks, checked; the rows still deflated. */
export interface PngParts {
  readonly header: PngHeader;
  readonly colors: PngColors;
  readonly parts: readonly Uint8Array[];
  readonly limits: DecodeLimits;
}

/** Reads a PNG up to its rows. Errors: those of `decodePng`. */
export function readPng(bytes: Uint8Array, options: DecodeImageOptions): PngParts {
  const limits = resolveLimits(WHERE, options, bytes.length);
  if (PNG_SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    corrupt(WHERE, "PNG's signature", 'other bytes');
  }
  let header: PngHeader | undefined;
  const colors: PngColors = { palette: undefined, transparency: undefined };
  const parts: Uint8Array[] = [];
  for (const { type, data } of chunks(bytes)) {
    if (!header) {
      if (type !== 'IHDR') corrupt(WHERE, 'the header first', type);
      header = readPngHeader(data);
      checkSize(WHERE, limits, header.width, header.height, workingBytes(header));
    } else if (type === 'IDAT') {
      parts.push(data);
    } else if (type === 'IEND') {
      break;
    } else if (type === 'PLTE') {
      if (colors.palette || parts.length > 0 || data.length % 3 !== 0 || data.length > 768) {
        corrupt(WHERE, 'one palette of at most 256 colours before the picture', 'another');
      }
      colors.palette = data;
    } else if (type === 'tRNS') {
      const least = header.palette ? 0 : 2 * header.channels;
      if (parts.length > 0 || data.length < least) {
        corrupt(WHERE, 'a whole tRNS chunk before the picture', 'another');
      }
      colors.transparency = data;
    } else if (type === 'IHDR') {
      corrupt(WHERE, 'one header', 'a second');
    } else if (type.charCodeAt(0) < 0x61) {
      unsupported(WHERE, 'chunks of the PNG specification', type, 'Save it as an ordinary PNG.');
    }
  }
  if (!header) return truncated(WHERE, 'a header');
  return { header, colors, parts, limits };
}

/** The picture and two rows. */
function workingBytes(header: PngHeader): number {
  return 3 * header.width * header.height + 16 * header.width;
}

/** Inflates the rows and hands each to `write`. */
export function readRows(header: PngHeader, parts: readonly Uint8Array[], write: RowWriter): void {
  const passes = pngPasses(header);
  const inflated = passes.reduce((sum, pass) => sum + pass.height * (1 + pass.rowBytes), 0);
  const deflated = parts.reduce((sum, part) => sum + part.length, 0);
  // DEFLATE makes at most 1032 bytes of one, so that much is known before memory is taken.
  if (inflated > 1032 * deflated) truncated(WHERE, `${inflated} bytes of rows`);
  const rows = rowSink(header, passes, write);
  inflate(parts, (piece) => {
    rows.push(piece);
    return !rows.complete;
  });
  if (!rows.complete) truncated(WHERE, 'all rows of the picture');
}

/** The chunks in order; the checksum is verified where the chunk matters to the pixels. */
function* chunks(bytes: Uint8Array): Generator<{ type: string; data: Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = PNG_SIGNATURE.length;
  while (at < bytes.length) {
    if (at + 12 > bytes.length) truncated(WHERE, 'a chunk');
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) truncated(WHERE, `a chunk of ${length} bytes`);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const matters = bytes[at + 4]! < 0x61 || type === 'tRNS';
    if (matters && crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) {
      corrupt(WHERE, `the checksum of chunk ${JSON.stringify(type)} to hold`, 'a wrong one');
    }
    yield { type, data: bytes.subarray(at + 8, end) };
    at = end + 4;
  }
}
