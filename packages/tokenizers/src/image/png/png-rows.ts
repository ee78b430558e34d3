import { corrupt } from '../image-error.js';
import { paeth } from './png-format.js';
import type { PngHeader, PngPass } from './png-header.js';
import type { RowWriter } from './png-pixels.js';

/** Takes the inflated bytes in pieces of any size and hands on whole, unfiltered rows. */
export interface RowSink {
  push(bytes: Uint8Array): void;
  /** All rows have come; further bytes are ignored. */
  readonly complete: boolean;
}

export function rowSink(header: PngHeader, passes: readonly PngPass[], write: RowWriter): RowSink {
  const pixelBytes = Math.max(1, (header.channels * header.depth) >> 3);
  const widest = Math.max(...passes.map((pass) => pass.rowBytes));
  let previous = new Uint8Array(widest);
  let current = new Uint8Array(widest);
  let passIndex = 0;
  let y = 0;
  let filled = -1;
  let filter = 0;

  return {
    get complete(): boolean {
      return passIndex === passes.length;
    },
    push(bytes: Uint8Array): void {
      let at = 0;
      while (at < bytes.length && passIndex < passes.length) {
        if (filled < 0) {
          filter = bytes[at++]!;
          filled = 0;
          continue;
        }
        const pass = passes[passIndex]!;
        const take = Math.min(bytes.length - at, pass.rowBytes - filled);
        current.set(bytes.subarray(at, at + take), filled);
        at += take;
        filled += take;
        if (filled < pass.rowBytes) continue;
        const row = current.subarray(0, pass.rowBytes);
        unfilter(filter, row, previous, pixelBytes);
        write(row, pass, y);
        [previous, current] = [current, previous];
        filled = -1;
        if (++y === pass.height) {
          y = 0;
          passIndex++;
          previous.fill(0);
        }
      }
    },
  };
}

function unfilter(filter: number, row: Uint8Array, above: Uint8Array, pixel: number): void {
  const n = row.length;
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = pixel; i < n; i++) row[i] = row[i]! + row[i - pixel]!;
      return;
    case 2:
      for (let i = 0; i < n; i++) row[i] = row[i]! + above[i]!;
      return;
    case 3:
      for (let i = 0; i < n; i++) {
        row[i] = row[i]! + (((i < pixel ? 0 : row[i - pixel]!) + above[i]!) >> 1);
      }
      return;
    case 4:
      for (let i = 0; i < pixel && i < n; i++) row[i] = row[i]! + above[i]!;
      for (let i = pixel; i < n; i++) {
        row[i] = row[i]! + paeth(row[i - pixel]!, above[i]!, above[i - pixel]!);
      }
      return;
    default:
      corrupt('decodePng', 'a row filter from 0 to 4', `${filter}`);
  }
}
