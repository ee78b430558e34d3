import { PNG_SIGNATURE } from './png/png-format.js';

export type ImageFormat = 'png' | 'jpeg' | 'webp' | 'gif' | 'svg';

/** Tells a picture's format by its first bytes; undefined if it is none of these. */
export function sniffImageFormat(bytes: Uint8Array): ImageFormat | undefined {
  if (PNG_SIGNATURE.every((byte, i) => bytes[i] === byte)) return 'png';
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpeg';
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'webp';
  if (head.startsWith('GIF8')) return 'gif';
  const text = new TextDecoder().decode(bytes.subarray(0, 1024));
  return /^\s*(<\?xml|<!--|<!DOCTYPE svg|<svg)/i.test(text) && /<svg[\s>]/i.test(text)
    ? 'svg'
    : undefined;
}
