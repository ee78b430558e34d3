import type { RgbImage } from '@imglish/core';
import { turnHues } from './colours.js';
import { type Cutout, HUE_STEP, resample } from './cutouts.js';
import type { SceneLibrary } from './library.js';
import type { Box, Scene } from './scene.js';
import { paintBackground } from './scene-backgrounds.js';

/** What covers no pixel. */
export const NOBODY = 255;

/** A cut-out and where its upper left corner lies. */
export interface Placed {
  readonly cutout: Cutout;
  readonly left: number;
  readonly top: number;
}

/**
 * Who is seen at each pixel, `[size, size]`: the index of the last of the objects that is at least
 * half opaque there, else `NOBODY`. These are the masks.
 */
export function visibleObjects(size: number, placed: readonly Placed[]): Uint8Array {
  const seen = new Uint8Array(size * size).fill(NOBODY);
  placed.forEach(({ cutout: { width, height, rgba }, left, top }, index) => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (rgba[(y * width + x) * 4 + 3]! >= 128) seen[(top + y) * size + left + x] = index;
      }
    }
  });
  return seen;
}

/** The smallest box around each object's visible part, and how many pixels that has. */
export function visibleParts(
  seen: Uint8Array,
  size: number,
  count: number,
): { box: Box; area: number }[] {
  const bounds = Array.from({ length: count }, () => Int32Array.of(size, size, 0, 0, 0));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const part = bounds[seen[y * size + x]!];
      if (!part) continue;
      if (x < part[0]!) part[0] = x;
      if (y < part[1]!) part[1] = y;
      if (x >= part[2]!) part[2] = x + 1;
      if (y >= part[3]!) part[3] = y + 1;
      part[4]!++;
    }
  }
  return bounds.map((part) => {
    const [left, top, right, bottom, area] = part as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { box: [left, top, Math.max(0, right - left), Math.max(0, bottom - top)], area };
  });
}

/** The picture of a scene and its masks (see `visibleObjects`). */
export function paintScene(
  library: SceneLibrary,
  { size, background, objects }: Scene,
): { image: RgbImage; seen: Uint8Array } {
  const data = paintBackground(background, size);
  const placed = objects.map(({ concept, style, turn, extent }) => {
    const { cutout } = library.drawing(concept.id, style);
    const { width, height, rgba } = resample(cutout, Math.max(extent[2], extent[3]));
    const turned = { width, height, rgba: turnHues(rgba, turn * HUE_STEP) };
    return { cutout: turned, left: extent[0], top: extent[1] };
  });
  for (const { cutout, left, top } of placed) {
    for (let y = 0; y < cutout.height; y++) {
      for (let x = 0; x < cutout.width; x++) {
        const from = (y * cutout.width + x) * 4;
        const opacity = cutout.rgba[from + 3]!;
        if (opacity === 0) continue;
        const at = ((top + y) * size + left + x) * 3;
        for (let c = 0; c < 3; c++) {
          const behind = data[at + c]!;
          data[at + c] = Math.round(behind + ((cutout.rgba[from + c]! - behind) * opacity) / 255);
        }
      }
    }
  }
  return { image: { width: size, height: size, data }, seen: visibleObjects(size, placed) };
}
