import { corrupt } from '../image-error.js';
import type { BitReader } from './bit-reader.js';
import type { HuffmanTable } from './huffman-table.js';
import { inverseDct } from './inverse-dct.js';
import type { JpegComponent, JpegFrame } from './jpeg-frame.js';

/** Position in natural order (row by row) of the k-th coefficient in the file's zigzag order. */
export const ZIGZAG: Uint8Array = /* @__PURE__ */ zigzag();

function zigzag(): Uint8Array {
  const order = new Uint8Array(64);
  let k = 0;
  for (let sum = 0; sum < 15; sum++) {
    for (let i = Math.max(0, sum - 7); i <= Math.min(sum, 7); i++) {
      const row = sum % 2 === 0 ? sum - i : i;
      order[k++] = 8 * row + (sum - row);
    }
  }
  return order;
}

export interface ScanComponent {
  readonly component: JpegComponent;
  readonly dc: HuffmanTable | undefined;
  readonly ac: HuffmanTable | undefined;
}

/** What a SOS segment says. */
export interface JpegScan {
  readonly components: readonly ScanComponent[];
  /** Band of coefficients in zigzag order, both ends included. */
  readonly first: number;
  readonly last: number;
  /** Bit position known before this scan (0: none) and after it. */
  readonly high: number;
  readonly low: number;
}

/** Reads one scan: sequential ones into samples, progressive ones into coefficients. */
export function readScan(
  reader: BitReader,
  frame: JpegFrame,
  scan: JpegScan,
  restartInterval: number,
): void {
  const predictions = new Int32Array(scan.components.length);
  const decoder = blockDecoder(reader, frame.progressive, scan, predictions);
  const restart = (): void => {
    predictions.fill(0);
    decoder.restart();
  };
  let done = 0;
  const beforeMcu = (): void => {
    if (restartInterval > 0 && done > 0 && done % restartInterval === 0) {
      reader.restart(done / restartInterval - 1);
      restart();
    }
    done++;
  };

  if (scan.components.length === 1) {
    const { blocksHigh, blocksWide } = scan.components[0]!.component;
    for (let row = 0; row < blocksHigh; row++) {
      for (let column = 0; column < blocksWide; column++) {
        beforeMcu();
        decoder.block(0, row, column);
      }
    }
  } else {
    for (let mcuRow = 0; mcuRow < frame.mcusHigh; mcuRow++) {
      for (let mcuColumn = 0; mcuColumn < frame.mcusWide; mcuColumn++) {
        beforeMcu();
        for (let index = 0; index < scan.components.length; index++) {
          const { h, v } = scan.components[index]!.component;
          for (let y = 0; y < v; y++) {
            for (let x = 0; x < h; x++) decoder.block(index, mcuRow * v + y, mcuColumn * h + x);
          }
        }
      }
    }
  }
  reader.finishSegment();
}

interface BlockDecoder {
  /** Reads the block at (row, column) of the scan's component `index`. */
  block(index: number, row: number, column: number): void;
  restart(): void;
}

function blockDecoder(
  reader: BitReader,
  progressive: boolean,
  scan: JpegScan,
  predictions: Int32Array,
): BlockDecoder {
  if (!progressive) return sequentialDecoder(reader, scan, predictions);
  const decoder = scan.first === 0 ? dcDecoder(reader, scan, predictions) : acDecoder(reader, scan);
  return {
    restart: decoder.restart,
    block(index, row, column) {
      const { coefficients, stride } = scan.components[index]!.component;
      decoder.block(index, coefficients!, 64 * (row * stride + column));
    },
  };
}

function sequentialDecoder(
  reader: BitReader,
  scan: JpegScan,
  predictions: Int32Array,
): BlockDecoder {
  const coefficients = new Int16Array(64);
  return {
    restart() {},
    block(index, row, column) {
      const { component, dc, ac } = scan.components[index]!;
      coefficients.fill(0);
      predictions[index] = predictions[index]! + reader.signed(dcSize(reader.symbol(dc!)));
      coefficients[0] = predictions[index]!;
      for (let k = 1; k < 64; k++) {
        const symbol = reader.symbol(ac!);
        const size = symbol & 15;
        const run = symbol >> 4;
        if (size === 0 && run < 15) break;
        k += run;
        if (k > 63) pastBlock();
        if (size > 0) coefficients[ZIGZAG[k]!] = reader.signed(size);
      }
      const width = 8 * component.stride;
      const at = 8 * row * width + 8 * column;
      inverseDct(coefficients, 0, component.quantization!, component.samples, at, width);
    },
  };
}

interface CoefficientDecoder {
  block(index: number, coefficients: Int16Array, at: number): void;
  restart(): void;
}

function dcDecoder(reader: BitReader, scan: JpegScan, predictions: Int32Array): CoefficientDecoder {
  return {
    restart() {},
    block(index, coefficients, at) {
      if (scan.high === 0) {
        const size = dcSize(reader.symbol(scan.components[index]!.dc!));
        predictions[index] = predictions[index]! + reader.signed(size);
        coefficients[at] = predictions[index]! << scan.low;
      } else if (reader.bits(1)) {
        coefficients[at] = coefficients[at]! | (1 << scan.low);
      }
    },
  };
}

function acDecoder(reader: BitReader, scan: JpegScan): CoefficientDecoder {
  const { first, last, low } = scan;
  const table = scan.components[0]!.ac!;
  const unit = 1 << low;
  /** Blocks, this one included, in which nothing new comes up to the end of the band. */
  let endOfBand = 0;

  function firstPass(coefficients: Int16Array, at: number): void {
    if (endOfBand > 0) {
      endOfBand--;
      return;
    }
    for (let k = first; k <= last; k++) {
      const symbol = reader.symbol(table);
      const size = symbol & 15;
      const run = symbol >> 4;
      if (size === 0 && run < 15) {
        endOfBand = (1 << run) + reader.bits(run) - 1;
        return;
      }
      k += run;
      if (k > last) pastBlock();
      if (size > 0) coefficients[at + ZIGZAG[k]!] = reader.signed(size) * unit;
    }
  }

  /** One more bit for a coefficient that is not zero. */
  function refine(coefficients: Int16Array, i: number): void {
    const value = coefficients[i]!;
    if (reader.bits(1) && (Math.abs(value) & unit) === 0) {
      coefficients[i] = value > 0 ? value + unit : value - unit;
    }
  }

  function refiningPass(coefficients: Int16Array, at: number): void {
    let k = first;
    while (endOfBand === 0 && k <= last) {
      const symbol = reader.symbol(table);
      const size = symbol & 15;
      let run = symbol >> 4;
      let value = 0;
      if (size === 1) value = reader.bits(1) ? unit : -unit;
      else if (size > 1) corrupt('decodeJpeg', 'a refinement by one bit', `${size}`);
      else if (run < 15) {
        endOfBand = (1 << run) + reader.bits(run);
        break;
      }
      // Skips `run` coefficients that are zero so far, refining the others on the way.
      for (; k <= last; k++) {
        const i = at + ZIGZAG[k]!;
        if (coefficients[i] !== 0) refine(coefficients, i);
        else if (run-- === 0) {
          coefficients[i] = value;
          break;
        }
      }
      if (k > last && value !== 0) pastBlock();
      k++;
    }
    if (endOfBand > 0) {
      for (; k <= last; k++) {
        const i = at + ZIGZAG[k]!;
        if (coefficients[i] !== 0) refine(coefficients, i);
      }
      endOfBand--;
    }
  }

  const pass = scan.high === 0 ? firstPass : refiningPass;
  return {
    restart() {
      endOfBand = 0;
    },
    block: (_, coefficients, at) => pass(coefficients, at),
  };
}

function dcSize(symbol: number): number {
  if (symbol > 15) corrupt('decodeJpeg', 'a DC difference of at most 15 bits', `${symbol}`);
  return symbol;
}

function pastBlock(): never {
  return corrupt('decodeJpeg', 'coefficients within the block', 'a run past its end');
}
