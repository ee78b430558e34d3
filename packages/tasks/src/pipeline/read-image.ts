import { ImageError, IoError, type RgbImage } from '@imglish/core';
import { decodeImage } from '@imglish/tokenizers';

/** Pixels with alpha, as `ImageData` and canvases have them. */
export interface RgbaPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** A canvas of a page or of a worker. */
export interface CanvasLike {
  readonly width: number;
  readonly height: number;
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, width: number, height: number): RgbaPixels;
  } | null;
}

/**
 * What a pipeline takes for an image: a decoded one, an encoded one (PNG or JPEG), pixels of a canvas,
 * or where to find it, a URL or, where there is a file system, a path.
 */
export type ImageSource =
  | RgbImage
  | RgbaPixels
  | CanvasLike
  | Blob
  | Uint8Array
  | ArrayBuffer
  | URL
  | string;

export interface ReadImageOptions {
  /** Bytes of what a string names; by default it is a URL and fetched. */
  readBytes?: (location: string | URL, signal?: AbortSignal) => Promise<Uint8Array>;
  signal?: AbortSignal | undefined;
}

/**
 * The pixels of an image, alpha dropped.
 *
 * @throws ImageError `image/unsupported` for what is no image, and what `decodeImage` throws; IoError
 * `io/http`, `io/not-found`.
 */
export async function readImage(
  source: ImageSource,
  { readBytes = fetchBytes, signal }: ReadImageOptions = {},
): Promise<RgbImage> {
  signal?.throwIfAborted();
  if (typeof source === 'string' || source instanceof URL)
    return decodeImage(await readBytes(source, signal));
  if (source instanceof Uint8Array) return decodeImage(source);
  if (source instanceof ArrayBuffer) return decodeImage(new Uint8Array(source));
  if (source instanceof Blob) return decodeImage(new Uint8Array(await source.arrayBuffer()));
  if (isObject(source) && 'getContext' in source) return ofCanvas(source as CanvasLike);
  if (isObject(source) && 'data' in source) return ofPixels(source as RgbImage | RgbaPixels);
  return refuse(String(source));
}

/** The bytes of a URL; a path in a page is relative to the page. */
export async function fetchBytes(
  location: string | URL,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  if (!URL.canParse(String(location), page)) return refuse(JSON.stringify(String(location)));
  const url = new URL(location, page);
  const response = await fetch(url, signal ? { signal } : {}).catch((cause: unknown) => {
    signal?.throwIfAborted();
    return failed('io/http', url, String(cause), cause);
  });
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  await response.body?.cancel();
  const code = response.status === 404 ? 'io/not-found' : 'io/http';
  return failed(code, url, `status ${response.status}`);
}

function ofCanvas(canvas: CanvasLike): RgbImage {
  const context = canvas.getContext('2d');
  if (!context) return refuse('a canvas with another kind of context');
  return ofPixels(context.getImageData(0, 0, canvas.width, canvas.height));
}

function ofPixels({ width, height, data }: RgbImage | RgbaPixels): RgbImage {
  const pixels = width * height;
  if (data.length === 3 * pixels && data instanceof Uint8Array) return { width, height, data };
  if (data.length !== 4 * pixels) {
    return refuse(`${data.length} values for ${width} × ${height} pixels`);
  }
  const rgb = new Uint8Array(3 * pixels);
  for (let i = 0; i < pixels; i++) rgb.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  return { width, height, data: rgb };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function refuse(got: string): never {
  throw new ImageError({
    code: 'image/unsupported',
    where: 'readImage',
    expected:
      'an RgbImage, ImageData, a canvas, a Blob or bytes of a PNG or JPEG, a URL, or in Node a path',
    got,
  });
}

function failed(code: string, url: URL, got: string, cause?: unknown): never {
  throw new IoError({ code, where: 'readImage', expected: `the image ${url}`, got, cause });
}
