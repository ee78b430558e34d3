import type { JpegComponent, JpegFrame } from './jpeg-frame.js';

/**
 * Fills `out` with row `y` of a component at the picture's full width.
 *
 * Chroma of half resolution is interpolated as libjpeg does ("fancy upsampling"): a sample counts
 * 3/4, its nearer neighbour 1/4, in both directions; where half a unit is left, rounding alternates
 * between down and up. Other ratios, and components up to two samples wide, repeat the sample.
 */
export function upsampleRow(
  frame: JpegFrame,
  component: JpegComponent,
  y: number,
  out: Uint8Array,
): void {
  const { samples, width, height } = component;
  const stride = 8 * component.stride;
  const ratioX = frame.maxH / component.h;
  const ratioY = frame.maxV / component.v;
  const row = Math.floor(y / ratioY);
  const at = row * stride;
  if (ratioX === 1 && ratioY === 1) {
    out.set(samples.subarray(at, at + width));
    return;
  }
  // The row above for the upper of two output rows, the one below for the lower.
  const nextRow = Math.min(height - 1, Math.max(0, y % 2 === 0 ? row - 1 : row + 1));
  const next = nextRow * stride;

  if (ratioX === 1 && ratioY === 2) {
    const bias = y % 2 === 0 ? 1 : 2;
    for (let x = 0; x < width; x++) {
      out[x] = (3 * samples[at + x]! + samples[next + x]! + bias) >> 2;
    }
  } else if (ratioX === 2 && ratioY === 1 && width > 2) {
    for (let x = 0; x < width; x++) {
      const here = samples[at + x]!;
      const left = x === 0 ? here : samples[at + x - 1]!;
      const right = x === width - 1 ? here : samples[at + x + 1]!;
      out[2 * x] = (3 * here + left + 1) >> 2;
      out[2 * x + 1] = (3 * here + right + 2) >> 2;
    }
  } else if (ratioX === 2 && ratioY === 2 && width > 2) {
    let here = 3 * samples[at]! + samples[next]!;
    let left = here;
    for (let x = 0; x < width; x++) {
      const right = x === width - 1 ? here : 3 * samples[at + x + 1]! + samples[next + x + 1]!;
      out[2 * x] = (3 * here + left + 8) >> 4;
      out[2 * x + 1] = (3 * here + right + 7) >> 4;
      left = here;
      here = right;
    }
  } else {
    for (let x = 0; x < width; x++) out.fill(samples[at + x]!, x * ratioX, (x + 1) * ratioX);
  }
}
