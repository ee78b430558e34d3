import type { ColourName } from '../captions/colour-words.js';

export { type ColourName, colourWords } from '../captions/colour-words.js';

/** First hue of each name; between the ranges lie colours that go by two names. */
const HUES: readonly (readonly [from: number, to: number, name: ColourName])[] = [
  [0, 13, 'red'],
  [21, 38, 'orange'],
  [44, 62, 'yellow'],
  [84, 150, 'green'],
  [195, 230, 'blue'],
  [266, 292, 'purple'],
  [305, 342, 'pink'],
  [349, 360, 'red'],
];

/** The name of one colour, or undefined where two names would do. */
export function colourName(red: number, green: number, blue: number): ColourName | undefined {
  const high = Math.max(red, green, blue);
  const range = high - Math.min(red, green, blue);
  const hue = 60 * hueSextant(red, green, blue, high, range);
  const saturation = high === 0 ? 0 : range / high;
  const value = high / 255;
  if (value < 0.2) return 'black';
  if (saturation < 0.12) return value > 0.87 ? 'white' : value < 0.8 ? 'grey' : undefined;
  if (saturation < 0.3) return undefined;
  const name = HUES.find(([from, to]) => hue >= from && hue <= to)?.[2];
  if (hue >= 8 && hue <= 42 && value < 0.66) return saturation > 0.35 ? 'brown' : undefined;
  if ((name === 'orange' || name === 'yellow') && value < 0.78) return undefined;
  if ((name === 'red' || name === 'pink') && saturation < 0.5) return undefined;
  if (name === 'pink') return value > 0.7 ? name : undefined;
  return value < 0.3 ? undefined : name;
}

/** A drawing's colour is named where this share of it has that colour … */
const DOMINANT = 0.55;
/** … and none other has as much as this. */
const SECOND = 0.22;
/** Outlines are black in whatever is drawn; only more than this is a black thing. */
const OUTLINE = 0.4;

/**
 * The colour of a drawing (RGBA), where it is unambiguous: more than half of its opaque pixels have
 * it and no other colour has a fifth. Black outlines do not count.
 */
export function dominantColour(rgba: Uint8Array): ColourName | undefined {
  const counts = new Map<ColourName | undefined, number>();
  let opaque = 0;
  for (let at = 0; at < rgba.length; at += 4) {
    if (rgba[at + 3]! < 128) continue;
    opaque++;
    const name = colourName(rgba[at]!, rgba[at + 1]!, rgba[at + 2]!);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const black = counts.get('black') ?? 0;
  if (black < OUTLINE * opaque) {
    counts.delete('black');
    opaque -= black;
  }
  const named = [...counts].filter(([name]) => name !== undefined).sort((a, b) => b[1] - a[1]);
  const [first, second] = named;
  if (!first || first[1] < DOMINANT * opaque) return undefined;
  return second && second[1] > SECOND * opaque ? undefined : first[0];
}

/** Turns every hue of a drawing (RGBA) by `degrees`, keeping saturation and value (HSV). */
export function turnHues(rgba: Uint8Array, degrees: number): Uint8Array {
  if (degrees === 0) return rgba;
  const turned = rgba.slice();
  for (let at = 0; at < rgba.length; at += 4) {
    if (rgba[at + 3] === 0) continue;
    const red = rgba[at]!;
    const green = rgba[at + 1]!;
    const blue = rgba[at + 2]!;
    const high = Math.max(red, green, blue);
    const range = high - Math.min(red, green, blue);
    if (range === 0) continue;
    const sextant = hueSextant(red, green, blue, high, range) + degrees / 60;
    // A channel is at `high` within 60° of its primary and falls to `high - range` beyond.
    turned[at] = Math.round(high - range * fall((sextant + 5) % 6));
    turned[at + 1] = Math.round(high - range * fall((sextant + 3) % 6));
    turned[at + 2] = Math.round(high - range * fall((sextant + 1) % 6));
  }
  return turned;
}

/** 0 where a channel is at its highest, 1 where it is at its lowest, linear in between. */
function fall(sextant: number): number {
  return Math.max(0, Math.min(1, sextant, 4 - sextant));
}

/** The hue in units of 60 degrees, 0 … 6. */
function hueSextant(red: number, green: number, blue: number, high: number, range: number): number {
  if (range === 0) return 0;
  if (high === red) return ((green - blue) / range + 6) % 6;
  return high === green ? (blue - red) / range + 2 : (red - green) / range + 4;
}
