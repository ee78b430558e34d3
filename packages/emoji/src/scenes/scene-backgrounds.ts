import type { RandomStream } from '@imglish/core';
import { type Background, pastels } from '../render/backgrounds.js';

/** What lies behind the objects: one pale colour, one that fades into another, or a horizon. */
export interface SceneBackground {
  readonly kind: 'plain' | 'fade' | 'horizon';
  /** Of the top, and of the bottom (the same where it is plain). */
  readonly colours: readonly [top: Background, bottom: Background];
  /** Where a horizon is, as a share of the height. */
  readonly horizon: number;
}

/** A background whose colours are all among `allowed`; half of them are plain. */
export function drawBackground(
  stream: RandomStream,
  allowed: readonly Background[] = pastels,
): SceneBackground {
  const kind = (['plain', 'plain', 'fade', 'horizon'] as const)[stream.integer(4)]!;
  const top = allowed[stream.integer(allowed.length)]!;
  const bottom = kind === 'plain' ? top : allowed[stream.integer(allowed.length)]!;
  const horizon = 0.5 + 0.3 * stream.uniform();
  return top === bottom
    ? { kind: 'plain', colours: [top, top], horizon }
    : { kind, colours: [top, bottom], horizon };
}

/** A picture of nothing but the background: RGB bytes, `[size, size, 3]`. */
export function paintBackground(
  { kind, colours: [top, bottom], horizon }: SceneBackground,
  size: number,
): Uint8Array {
  const data = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    const share = kind === 'horizon' ? Number(y >= horizon * size) : y / (size - 1);
    const rgb = top.rgb.map((value, c) => Math.round(value + share * (bottom.rgb[c]! - value)));
    for (let at = y * size * 3; at < (y + 1) * size * 3; at += 3) {
      data[at] = rgb[0]!;
      data[at + 1] = rgb[1]!;
      data[at + 2] = rgb[2]!;
    }
  }
  return data;
}
