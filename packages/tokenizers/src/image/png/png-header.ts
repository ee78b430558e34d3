import { corrupt, unsupported } from '../image-error.js';

/** What a PNG's IHDR chunk says. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits per sample: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  readonly palette: boolean;
  readonly color: boolean;
  readonly alpha: boolean;
  /** Samples per pixel. */
  readonly channels: number;
  readonly interlaced: boolean;
}

/** Allowed bit depths by colour type (PNG specification, table 11.1). */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

export function readPngHeader(data: Uint8Array): PngHeader {
  const where = 'decodePng';
  if (data.length !== 13) corrupt(where, 'a header of 13 bytes', `${data.length}`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const [depth, type, compression, filter, interlace] = data.subarray(8) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff) {
    corrupt(where, 'a width and height from 1 to 2³¹−1', `${width} × ${height}`);
  }
  if (!DEPTHS[type]?.includes(depth)) {
    corrupt(where, 'a colour type and bit depth of PNG', `type ${type}, depth ${depth}`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    unsupported(
      where,
      'compression 0, filter 0, interlace 0 or 1',
      `${compression}, ${filter}, ${interlace}`,
      'Save the picture as an ordinary PNG.',
    );
  }
  const palette = type === 3;
  const color = (type & 2) !== 0;
  const alpha = (type & 4) !== 0;
  return {
    width,
    height,
    depth,
    palette,
    color,
    alpha,
    channels: palette ? 1 : (color ? 3 : 1) + (alpha ? 1 : 0),
    interlaced: interlace === 1,
  };
}

/** The pixels x = x0, x0 + dx, …, y = y0, y0 + dy, … that one pass through the picture holds. */
export interface PngPass {
  readonly x0: number;
  readonly y0: number;
  readonly dx: number;
  readonly dy: number;
  /** Pixels per row and rows of this pass. */
  readonly width: number;
  readonly height: number;
  /** Bytes per row without the filter byte. */
  readonly rowBytes: number;
}

const WHOLE = [[0, 0, 1, 1]] as const;
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** The passes that are not empty, in file order. */
export function pngPasses(header: PngHeader): PngPass[] {
  const bits = header.channels * header.depth;
  return (header.interlaced ? ADAM7 : WHOLE)
    .map(([x0, y0, dx, dy]) => {
      const width = Math.ceil((header.width - x0) / dx);
      const height = Math.ceil((header.height - y0) / dy);
      return { x0, y0, dx, dy, width, height, rowBytes: Math.ceil((width * bits) / 8) };
    })
    .filter((pass) => pass.width > 0 && pass.height > 0);
}
