import { type Background, pastels } from '../render/backgrounds.js';
import type { EmojiStyle } from '../styles.js';
import { type ColourName, turnHues } from './colours.js';
import type { SceneConcept } from './concepts.js';
import { type Drawing, HUE_STEP, resample } from './cutouts.js';

/** A pixel of an outline stands out where some channel differs by so much. */
const STANDS_OUT = 36;
/** So much of an outline must stand out. */
const OUTLINE_SHARE = 0.6;
/** A drawing is this many pixels long where its outline is looked at. */
const LOOKED_AT = 32;

/** The drawings that scenes are composed of. */
export class SceneLibrary {
  readonly concepts: readonly SceneConcept[];
  readonly styles: readonly EmojiStyle[];
  readonly #drawings: ReadonlyMap<string, Drawing>;
  readonly #backgrounds = new Map<string, readonly Background[]>();

  constructor(drawings: readonly Drawing[]) {
    this.concepts = [...new Set(drawings.map(({ concept }) => concept))];
    this.styles = [...new Set(drawings.map(({ style }) => style))];
    this.#drawings = new Map(
      drawings.map((drawing) => [`${drawing.style} ${drawing.concept.id}`, drawing]),
    );
  }

  drawing(conceptId: string, style: EmojiStyle): Drawing {
    return this.#drawings.get(`${style} ${conceptId}`)!;
  }

  /** The colours a concept can have in some style. */
  coloursOf(conceptId: string): ColourName[] {
    const colours = this.styles.flatMap((style) => this.drawing(conceptId, style).colours);
    return [...new Set(colours)].filter((colour) => colour !== undefined).sort();
  }

  /** The pale colours that a drawing stands out from. */
  backgroundsFor(conceptId: string, style: EmojiStyle, turn: number): readonly Background[] {
    const key = `${style} ${conceptId} ${turn}`;
    let found = this.#backgrounds.get(key);
    if (!found) {
      const { width, height, rgba } = resample(this.drawing(conceptId, style).cutout, LOOKED_AT);
      const rim = rimColours(turnHues(rgba, turn * HUE_STEP), width, height);
      found = pastels.filter(({ rgb }) => {
        const clear = rim.filter((colour) =>
          colour.some((value, c) => Math.abs(value - rgb[c]!) >= STANDS_OUT),
        );
        return clear.length >= OUTLINE_SHARE * rim.length;
      });
      this.#backgrounds.set(key, found);
    }
    return found;
  }
}

/** The colours of opaque pixels that have a transparent neighbour or none. */
function rimColours(rgba: Uint8Array, width: number, height: number): number[][] {
  const opaque = (x: number, y: number): boolean =>
    x >= 0 && x < width && y >= 0 && y < height && rgba[(y * width + x) * 4 + 3]! >= 128;
  const rim: number[][] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!opaque(x, y)) continue;
      const inside = opaque(x - 1, y) && opaque(x + 1, y) && opaque(x, y - 1) && opaque(x, y + 1);
      if (!inside) rim.push([...rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)]);
    }
  }
  return rim;
}
