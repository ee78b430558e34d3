import { corrupt, unsupported } from '../image-error.js';

/** One colour channel of a JPEG. */
export interface JpegComponent {
  readonly id: number;
  /** Sampling factors: samples per MCU are 8h × 8v. */
  readonly h: number;
  readonly v: number;
  readonly quantId: number;
  /** Samples that belong to the picture. */
  readonly width: number;
  readonly height: number;
  /** Blocks of 8 × 8 that cover those samples: what a scan of this component alone holds. */
  readonly blocksWide: number;
  readonly blocksHigh: number;
  /** Blocks per row in memory, filled up to whole MCUs. */
  readonly stride: number;
  /** Rows of blocks in memory. */
  readonly rows: number;
  /** Quantisation table in natural order, as it stood when the component's first scan began. */
  quantization: Uint16Array | undefined;
  /** Samples `[8·rows, 8·stride]`. */
  samples: Uint8ClampedArray;
  /** Progressive only: coefficients in natural order, 64 per block, `[rows, stride, 64]`. */
  coefficients: Int16Array | undefined;
  /** Progressive only: the bit position up to which each coefficient is known; −1 = not at all. */
  readonly known: Int8Array;
}

export interface JpegFrame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly maxH: number;
  readonly maxV: number;
  readonly mcusWide: number;
  readonly mcusHigh: number;
  readonly components: readonly JpegComponent[];
}

/** Reads a SOF segment. No memory is taken yet: `allocateFrame` does that. */
export function readFrame(marker: number, data: Uint8Array): JpegFrame {
  const where = 'decodeJpeg';
  const kind = marker - 0xc0;
  if (kind > 2) {
    unsupported(
      where,
      'a baseline, extended or progressive Huffman-coded JPEG',
      `process SOF${kind}`,
      'Save the picture as an ordinary JPEG.',
    );
  }
  if (data.length < 6 || data.length < 6 + 3 * data[5]!)
    corrupt(where, 'a whole SOF', 'part of one');
  const [precision, h1, h0, w1, w0, count] = data as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const width = (w1 << 8) | w0;
  const height = (h1 << 8) | h0;
  if (precision !== 8) {
    unsupported(where, '8 bits per sample', `${precision}`, 'Save it as an 8-bit JPEG.');
  }
  if (width === 0) corrupt(where, 'a width from 1', '0');
  if (height === 0) {
    unsupported(where, 'a height in the header', '0', 'Save the picture as an ordinary JPEG.');
  }
  if (count !== 1 && count !== 3 && count !== 4) {
    unsupported(where, '1, 3 or 4 colour channels', `${count}`, 'Save it as gray or RGB.');
  }
  const specs = Array.from({ length: count }, (_, i) => ({
    id: data[6 + 3 * i]!,
    // A picture of one channel has no interleaving, so its factors mean nothing.
    h: count === 1 ? 1 : data[7 + 3 * i]! >> 4,
    v: count === 1 ? 1 : data[7 + 3 * i]! & 15,
    quantId: data[8 + 3 * i]!,
  }));
  const maxH = Math.max(...specs.map((spec) => spec.h));
  const maxV = Math.max(...specs.map((spec) => spec.v));
  for (const { h, v, quantId } of specs) {
    if (h < 1 || h > 4 || v < 1 || v > 4 || quantId > 3) {
      corrupt(where, 'sampling factors 1 to 4 and tables 0 to 3', `${h}×${v}, table ${quantId}`);
    }
    if (maxH % h !== 0 || maxV % v !== 0) {
      unsupported(
        where,
        'sampling factors that divide the largest',
        `${h}×${v} beside ${maxH}×${maxV}`,
        'Save it with 4:4:4, 4:2:2 or 4:2:0 sampling.',
      );
    }
  }
  if (new Set(specs.map((spec) => spec.id)).size !== count) {
    corrupt(where, 'channels with ids of their own', 'an id used twice');
  }
  const mcusWide = Math.ceil(width / (8 * maxH));
  const mcusHigh = Math.ceil(height / (8 * maxV));
  const components = specs.map((spec) => {
    const componentWidth = Math.ceil((width * spec.h) / maxH);
    const componentHeight = Math.ceil((height * spec.v) / maxV);
    return {
      ...spec,
      width: componentWidth,
      height: componentHeight,
      blocksWide: Math.ceil(componentWidth / 8),
      blocksHigh: Math.ceil(componentHeight / 8),
      stride: mcusWide * spec.h,
      rows: mcusHigh * spec.v,
      quantization: undefined,
      samples: new Uint8ClampedArray(0),
      coefficients: undefined,
      known: new Int8Array(64).fill(-1),
    };
  });
  return { width, height, progressive: kind === 2, maxH, maxV, mcusWide, mcusHigh, components };
}

/** Blocks in memory, over all components. */
export function blockCount(frame: JpegFrame): number {
  return frame.components.reduce((sum, component) => sum + component.rows * component.stride, 0);
}

export function allocateFrame(frame: JpegFrame): void {
  for (const component of frame.components) {
    const size = 64 * component.rows * component.stride;
    if (frame.progressive) component.coefficients = new Int16Array(size);
    else component.samples = new Uint8ClampedArray(size);
  }
}
