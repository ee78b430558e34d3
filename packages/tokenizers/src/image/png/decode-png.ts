import type { RgbImage } from '@imglish/core';
import { Unzlib } from 'fflate';
import {
  checkSize,
  type DecodeLimits,
  type DecodeOptions,
  resolveLimits,
} from '../decode-options.js';
import { corrupt, truncated, unsupported } from '../image-error.js';
import { crc32, PNG_SIGNATURE } from './png-format.js';
import { type PngHeader, pngPasses, readPngHeader } from './png-header.js';
import { type PngColors, rowWriter } from './png-pixels.js';
import { type RowSink, rowSink } from './png-rows.js';

const WHERE = 'decodePng';
/** Compressed bytes inflated at a time: at most 1032 times as many come out. */
const SLICE = 1024;
/** A stored block may take 64 KiB in before anything comes out; longer silence is no picture. */
const MAX_SILENCE = 2 ** 17;
/** What the inflater's short-lived pieces may add up to before they are collected. */
const INFLATE_BYTES = 40e6;

/**
 * Decodes a PNG: every colour type and bit depth, interlaced or not; of an animation the first
 * picture. Colour profiles and gamma are ignored.
 *
 * Rows are written as they are inflated, and inflating stops with the last row, so a file that
 * expands without end costs nothing. Errors: `ImageError` `image/corrupt`, `image/truncated`,
 * `image/too-large`, `image/unsupported`. Source: PNG specification, third edition (W3C).
 */
export function decodePng(bytes: Uint8Array, options: DecodeOptions = {}): RgbImage {
  const limits = resolveLimits(WHERE, options, bytes.length);
  if (PNG_SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    corrupt(WHERE, "PNG's signature", 'other bytes');
  }
  let header: PngHeader | undefined;
  let picture: Picture | undefined;
  const colors: PngColors = { palette: undefined, transparency: undefined };
  for (const { type, data } of chunks(bytes)) {
    if (!header) {
      if (type !== 'IHDR') corrupt(WHERE, 'the header first', type);
      header = readPngHeader(data);
    } else if (type === 'IDAT') {
      picture ??= startPicture(header, colors, limits, bytes.length);
      picture.inflate(data);
      if (picture.rows.complete) return picture.image;
    } else if (type === 'IEND') {
      break;
    } else if (type === 'PLTE') {
      if (colors.palette || picture || data.length % 3 !== 0 || data.length > 768) {
        corrupt(WHERE, 'one palette of at most 256 colours before the picture', 'another');
      }
      colors.palette = data;
    } else if (type === 'tRNS') {
      const least = header.palette ? 0 : 2 * header.channels;
      if (picture || data.length < least)
        corrupt(WHERE, 'a whole tRNS chunk before the picture', 'not');
      colors.transparency = data;
    } else if (type === 'IHDR') {
      corrupt(WHERE, 'one header', 'a second');
    } else if (type.charCodeAt(0) < 0x61) {
      unsupported(WHERE, 'chunks of the PNG specification', type, 'Save it as an ordinary PNG.');
    }
  }
  return truncated(WHERE, 'all rows of the picture');
}

interface Picture {
  readonly image: RgbImage;
  readonly rows: RowSink;
  inflate(data: Uint8Array): void;
}

function startPicture(
  header: PngHeader,
  colors: PngColors,
  limits: DecodeLimits,
  fileSize: number,
): Picture {
  const { width, height } = header;
  const passes = pngPasses(header);
  const rowBytes = 2 * Math.max(...passes.map((pass) => pass.rowBytes));
  const inflated = passes.reduce((sum, pass) => sum + pass.height * (1 + pass.rowBytes), 0);
  const working = 3 * width * height + rowBytes + Math.min(INFLATE_BYTES, 4 * inflated);
  checkSize(WHERE, limits, width, height, working);
  if (inflated > 1032 * fileSize) truncated(WHERE, `${inflated} bytes of rows`);
  const image: RgbImage = { width, height, data: new Uint8Array(3 * width * height) };
  const rows = rowSink(header, passes, rowWriter(header, colors, limits.background, image.data));
  let silent = 0;
  const inflater = new Unzlib((bytes) => {
    if (bytes.length > 0) silent = 0;
    rows.push(bytes);
  });
  return {
    image,
    rows,
    inflate(data: Uint8Array): void {
      for (let at = 0; at < data.length && !rows.complete; at += SLICE) {
        silent += SLICE;
        push(inflater, data.subarray(at, at + SLICE));
        if (silent > MAX_SILENCE) corrupt(WHERE, 'rows of the picture', 'data without any');
      }
    },
  };
}

function push(inflater: Unzlib, slice: Uint8Array): void {
  try {
    inflater.push(slice);
  } catch (error) {
    // The inflater's own errors carry a number; those of the rows pass through.
    if (typeof (error as { code?: unknown }).code !== 'number') throw error;
    corrupt(WHERE, 'a zlib stream', (error as Error).message);
  }
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
