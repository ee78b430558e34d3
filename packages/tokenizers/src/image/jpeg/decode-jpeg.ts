import type { RgbImage } from '@imglish/core';
import { checkSize, type DecodeImageOptions, resolveLimits } from '../decode-options.js';
import { corrupt, truncated, unsupported } from '../image-error.js';
import { BitReader } from './bit-reader.js';
import { HuffmanTable } from './huffman-table.js';
import { inverseDct } from './inverse-dct.js';
import { jpegColorSpace, writeRgbRow } from './jpeg-color.js';
import { allocateFrame, blockCount, type JpegFrame, readFrame } from './jpeg-frame.js';
import { type JpegScan, readScan, ZIGZAG } from './jpeg-scan.js';
import { upsampleRow } from './upsample.js';

const WHERE = 'decodeJpeg';
/** More scans than any encoder writes; every scan may cost a walk over all blocks. */
const MAX_SCANS = 64;

/**
 * Decodes a JPEG: baseline, extended and progressive with Huffman codes, 8 bits, gray, YCbCr, RGB
 * or CMYK, any whole sampling ratio. Values equal libjpeg's (accurate integer DCT, interpolated
 * chroma), so they equal Pillow's. EXIF rotation and colour profiles are not applied.
 *
 * Damaged data are an error, not a guess. Errors: `ImageError` `image/corrupt`, `image/truncated`,
 * `image/too-large`, `image/unsupported`. Source: ITU-T T.81.
 */
export function decodeJpeg(bytes: Uint8Array, options: DecodeImageOptions = {}): RgbImage {
  const limits = resolveLimits(WHERE, options, bytes.length);
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) corrupt(WHERE, "JPEG's signature", 'other bytes');
  const quantization: (Uint16Array | undefined)[] = [];
  const dcTables: (HuffmanTable | undefined)[] = [];
  const acTables: (HuffmanTable | undefined)[] = [];
  let frame: JpegFrame | undefined;
  let restartInterval = 0;
  let jfif = false;
  let adobeTransform: number | undefined;
  let scans = 0;
  let at = 2;
  for (;;) {
    const marker = nextMarker();
    if (marker === 0xd9) break;
    // RSTn, TEM and a repeated SOI have no data.
    if ((marker >= 0xd0 && marker <= 0xd8) || marker === 0x01) continue;
    const data = segment();
    if (marker === 0xdb) readQuantization(data, quantization);
    else if (marker === 0xc4) readHuffman(data, dcTables, acTables);
    else if (marker === 0xdd) restartInterval = data.length < 2 ? 0 : (data[0]! << 8) | data[1]!;
    else if (marker === 0xe0) jfif ||= startsWith(data, 'JFIF\0');
    else if (marker === 0xee && startsWith(data, 'Adobe')) adobeTransform = data[11];
    else if (marker === 0xda) {
      if (!frame) corrupt(WHERE, 'SOF before SOS', 'none');
      if (++scans > MAX_SCANS) {
        unsupported(WHERE, `at most ${MAX_SCANS} scans`, 'more', 'Save it as an ordinary JPEG.');
      }
      const scan = readScanHeader(data, frame, dcTables, acTables);
      for (const { component } of scan.components) {
        component.quantization ??= quantization[component.quantId];
        if (!component.quantization) corrupt(WHERE, 'a quantisation table', 'none');
      }
      const reader = new BitReader(bytes, at);
      readScan(reader, frame, scan, restartInterval);
      at = reader.position;
      // A sequential picture is whole now, even where the end marker is missing.
      if (!frame.progressive && isComplete(frame)) break;
    } else if (marker === 0xdc) {
      unsupported(WHERE, 'a height in the header', 'a DNL segment', 'Save it as an ordinary JPEG.');
    } else if (marker >= 0xc0 && marker <= 0xcf) {
      if (frame) corrupt(WHERE, 'one SOF', 'a second');
      frame = readFrame(marker, data);
      const blocks = blockCount(frame);
      const { width, height } = frame;
      const working = 3 * width * height + 64 * blocks * (frame.progressive ? 2 : 1);
      checkSize(WHERE, limits, width, height, working);
      // Every block takes at least a bit, in the only scan or in the first.
      if (blocks > 8 * bytes.length) truncated(WHERE, `${blocks} blocks`);
      allocateFrame(frame);
    }
  }
  if (!frame || !isComplete(frame)) truncated(WHERE, 'scans of all channels');
  if (frame.progressive) transformCoefficients(frame);
  const ids = frame.components.map((component) => component.id);
  return toImage(frame, jpegColorSpace(ids, jfif, adobeTransform));

  function nextMarker(): number {
    for (; at + 1 < bytes.length; at++) {
      const code = bytes[at + 1]!;
      if (bytes[at] === 0xff && code !== 0 && code !== 0xff) {
        at += 2;
        return code;
      }
    }
    return truncated(WHERE, 'a marker');
  }

  function segment(): Uint8Array {
    const length = at + 2 > bytes.length ? 0 : (bytes[at]! << 8) | bytes[at + 1]!;
    if (length < 2 || at + length > bytes.length) truncated(WHERE, 'a whole segment');
    const data = bytes.subarray(at + 2, at + length);
    at += length;
    return data;
  }
}

function startsWith(data: Uint8Array, text: string): boolean {
  return [...text].every((letter, i) => data[i] === letter.charCodeAt(0));
}

function readQuantization(data: Uint8Array, tables: (Uint16Array | undefined)[]): void {
  for (let at = 0; at < data.length; ) {
    const wide = data[at]! >> 4;
    const id = data[at]! & 15;
    at++;
    if (wide > 1 || id > 3 || at + 64 * (1 + wide) > data.length) {
      corrupt(WHERE, 'whole quantisation tables 0 to 3', `table ${id} of kind ${wide}`);
    }
    const table = new Uint16Array(64);
    for (let k = 0; k < 64; k++) {
      table[ZIGZAG[k]!] = wide ? (data[at]! << 8) | data[at + 1]! : data[at]!;
      at += 1 + wide;
    }
    tables[id] = table;
  }
}

function readHuffman(
  data: Uint8Array,
  dcTables: (HuffmanTable | undefined)[],
  acTables: (HuffmanTable | undefined)[],
): void {
  for (let at = 0; at < data.length; ) {
    const kind = data[at]! >> 4;
    const id = data[at]! & 15;
    const counts = data.subarray(at + 1, at + 17);
    const size = counts.reduce((sum, count) => sum + count, 0);
    if (kind > 1 || id > 3 || size > 256 || at + 17 + size > data.length) {
      corrupt(WHERE, 'whole Huffman tables 0 to 3', `table ${id} of kind ${kind}`);
    }
    const table = new HuffmanTable(counts, data.slice(at + 17, at + 17 + size));
    (kind === 0 ? dcTables : acTables)[id] = table;
    at += 17 + size;
  }
}

function readScanHeader(
  data: Uint8Array,
  frame: JpegFrame,
  dcTables: readonly (HuffmanTable | undefined)[],
  acTables: readonly (HuffmanTable | undefined)[],
): JpegScan {
  const count = data[0] ?? 0;
  if (count < 1 || count > 4 || data.length < 4 + 2 * count) {
    corrupt(WHERE, 'a whole SOS of 1 to 4 channels', `${count}`);
  }
  const [first, last, bits] = data.subarray(1 + 2 * count) as unknown as [number, number, number];
  const high = bits >> 4;
  const low = bits & 15;
  const components = Array.from({ length: count }, (_, i) => {
    const id = data[1 + 2 * i]!;
    const component = frame.components.find((candidate) => candidate.id === id);
    if (!component) return corrupt(WHERE, 'channels of the frame', `id ${id}`);
    const tables = data[2 + 2 * i]!;
    return { component, dc: dcTables[tables >> 4], ac: acTables[tables & 15] };
  });
  if (new Set(components.map(({ component }) => component)).size !== count) {
    corrupt(WHERE, 'each channel once in a scan', 'one twice');
  }
  const blocks = components.reduce((sum, { component: { h, v } }) => sum + h * v, 0);
  if (count > 1 && blocks > 10) corrupt(WHERE, 'at most 10 blocks in an MCU', `${blocks}`);
  // A sequential scan holds all coefficients with all their bits, whatever these three bytes say.
  const scan: JpegScan = frame.progressive
    ? { components, first, last, high, low }
    : { components, first: 0, last: 63, high: 0, low: 0 };
  checkProgress(scan, frame.progressive);
  const needsDc = scan.first === 0 && scan.high === 0;
  if (components.some(({ dc, ac }) => (needsDc && !dc) || (scan.last > 0 && !ac))) {
    corrupt(WHERE, 'the Huffman tables that the scan names', 'none');
  }
  return scan;
}

/** Each coefficient comes first whole down to some bit, then bit by bit, each bit once. */
function checkProgress(
  { components, first, last, high, low }: JpegScan,
  progressive: boolean,
): void {
  const bandFits = progressive
    ? first === 0
      ? last === 0
      : first <= last && last < 64 && components.length === 1
    : true;
  if (!bandFits || low > 13 || (high !== 0 && high !== low + 1)) {
    corrupt(WHERE, 'a scan of a progressive JPEG', `band ${first}–${last}, bits ${high}, ${low}`);
  }
  for (const { component } of components) {
    for (let k = first; k <= last; k++) {
      if (component.known[k] !== (high === 0 ? -1 : high)) {
        corrupt(WHERE, 'every bit of a coefficient once and in order', 'a scan that does not fit');
      }
      component.known[k] = low;
    }
  }
}

function isComplete(frame: JpegFrame): boolean {
  return frame.components.every((component) => component.known[0] !== -1);
}

/**
 * Turns coefficients into samples in the same memory: those of a row of blocks take half the bytes,
 * so they lie where the coefficients have been read already.
 */
function transformCoefficients(frame: JpegFrame): void {
  for (const component of frame.components) {
    const { rows, stride, quantization, coefficients } = component;
    const samples = new Uint8ClampedArray(coefficients!.buffer, 0, 64 * rows * stride);
    const rowOfBlocks = new Uint8ClampedArray(64 * stride);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < stride; column++) {
        const at = 64 * (row * stride + column);
        inverseDct(coefficients!, at, quantization!, rowOfBlocks, 8 * column, 8 * stride);
      }
      samples.set(rowOfBlocks, 64 * row * stride);
    }
    component.samples = samples;
  }
}

function toImage(frame: JpegFrame, space: ReturnType<typeof jpegColorSpace>): RgbImage {
  const { width, height, components, maxH } = frame;
  const data = new Uint8ClampedArray(3 * width * height);
  const rows = components.map((component) => {
    return new Uint8Array((component.width * maxH) / component.h);
  });
  for (let y = 0; y < height; y++) {
    for (const [i, row] of rows.entries()) upsampleRow(frame, components[i]!, y, row);
    writeRgbRow(space, rows, width, data, 3 * width * y);
  }
  return { width, height, data: new Uint8Array(data.buffer) };
}
