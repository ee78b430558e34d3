import type { RgbImage } from '@imglish/core';
import { zlibSync } from 'fflate';
import { checkImage } from '../rgb-image.js';
import { crc32, PNG_SIGNATURE, paeth } from './png-format.js';

/**
 * Encodes an image as an 8-bit RGB PNG; equal images give equal bytes.
 *
 * Each row takes the filter with the smallest sum of absolute differences (the heuristic that the
 * PNG specification recommends). Errors: `ImageError` `image/invalid` when data and size disagree.
 */
export function encodePng(image: RgbImage): Uint8Array {
  checkImage('encodePng', image);
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, image.width);
  view.setUint32(4, image.height);
  header.set([8, 2, 0, 0, 0], 8);
  return concat([
    Uint8Array.from(PNG_SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', zlibSync(filterRows(image))),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function filterRows({ width, height, data }: RgbImage): Uint8Array {
  const n = 3 * width;
  const out = new Uint8Array(height * (1 + n));
  const candidates = Array.from({ length: 5 }, () => new Uint8Array(n));
  const cost = new Float64Array(5);
  let above: Uint8Array = new Uint8Array(n);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * n, (y + 1) * n);
    cost.fill(0);
    for (let i = 0; i < n; i++) {
      const left = i < 3 ? 0 : row[i - 3]!;
      const upperLeft = i < 3 ? 0 : above[i - 3]!;
      const up = above[i]!;
      const value = row[i]!;
      put(0, i, value);
      put(1, i, value - left);
      put(2, i, value - up);
      put(3, i, value - ((left + up) >> 1));
      put(4, i, value - paeth(left, up, upperLeft));
    }
    const best = cost.indexOf(Math.min(...cost));
    out[y * (1 + n)] = best;
    out.set(candidates[best]!, y * (1 + n) + 1);
    above = row;
  }
  return out;

  function put(filter: number, i: number, difference: number): void {
    candidates[filter]![i] = difference;
    cost[filter] = cost[filter]! + Math.abs((difference << 24) >> 24);
  }
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
