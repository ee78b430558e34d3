import { DataError, type RandomStream } from '@imglish/core';
import { pastels } from '../render/backgrounds.js';
import type { EmojiStyle } from '../styles.js';
import type { ColourName } from './colours.js';
import { colourOf, countOf, heldOutIn, isHeldOut, pairOf } from './compositions.js';
import type { SceneConcept } from './concepts.js';
import { type Cutout, type Drawing, resample, scaledSize } from './cutouts.js';
import { drawLayout, drawLengths, SMALLEST } from './layout.js';
import type { SceneLibrary } from './library.js';
import { visibleObjects, visibleParts } from './paint.js';
import type { Scene, SceneObject } from './scene.js';
import { drawBackground } from './scene-backgrounds.js';

/** What a scene must be like; everything else is drawn. */
export interface SceneRequest {
  /** Concepts that may be in it. */
  readonly concepts: readonly SceneConcept[];
  /** Side of the picture in pixels. */
  readonly size: number;
  /** Concepts that must be in it, with their number and the colour of all of them, if given. */
  readonly wanted?: readonly {
    readonly concept: SceneConcept;
    readonly count?: number;
    readonly colour?: ColourName;
  }[];
  /** All by default. */
  readonly styles?: readonly EmojiStyle[];
  /** How many concepts; 1 … 4 drawn by default. */
  readonly kinds?: number;
  /** Objects in all, at most; 1 … 8. */
  readonly most: number;
  /** Whether held-out combinations may be in it; false by default. */
  readonly heldOut?: boolean;
  /** Looks at the whole scene; another is drawn where it says no. */
  accept?(scene: Scene): boolean;
}

/** No object is longer than this share of the picture's side. */
const MOST_STRETCHED = 0.88;
/** So much of every drawing must be seen. */
const VISIBLE = 0.8;
/** Tries before a request is refused. */
const ATTEMPTS = 2000;

interface Kind {
  readonly concept: SceneConcept;
  readonly count: number;
  readonly colour?: ColourName | undefined;
}

/**
 * Draws a scene: which things, how many, their style, colour and size, where they lie and what is
 * behind them. Everything comes from `stream`.
 *
 * @throws DataError `data/scene` for a request that 2,000 tries did not meet.
 */
export function composeScene(
  library: SceneLibrary,
  stream: RandomStream,
  request: SceneRequest,
): Scene {
  const scene = tryScene(library, stream, request);
  if (scene) return scene;
  const wanted = request.wanted?.map(({ concept, count, colour }) =>
    [count, colour, concept.noun].filter((word) => word !== undefined).join(' '),
  );
  throw new DataError({
    code: 'data/scene',
    where: 'composeScene',
    expected: `a scene with ${wanted?.join(', ') || 'anything'}`,
    got: `none in ${ATTEMPTS} tries`,
    fix: 'Use more concepts or styles.',
  });
}

/** `composeScene` where a request may be one that no scene meets: then undefined. */
export function tryScene(
  library: SceneLibrary,
  stream: RandomStream,
  request: SceneRequest,
): Scene | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const kinds = drawKinds(stream, request);
    const scene = kinds && drawScene(library, stream, request, kinds);
    if (!scene || (!request.heldOut && heldOutIn(scene).length > 0)) continue;
    if (request.accept?.(scene) ?? true) return scene;
  }
  return undefined;
}

/** Adds concepts and their counts one by one, as held-out combinations allow. */
function drawKinds(stream: RandomStream, request: SceneRequest): Kind[] | undefined {
  const { concepts, wanted = [], most } = request;
  const allowed = (composition: Parameters<typeof isHeldOut>[0]): boolean =>
    request.heldOut || !isHeldOut(composition);
  const target = Math.max(wanted.length, request.kinds ?? weighted(stream, [0, 3, 6, 7, 4]));
  const kinds: Kind[] = [];
  let left = most;
  const add = (concept: SceneConcept, count: number | undefined, colour?: ColourName): boolean => {
    const drawn = count ?? 1 + weighted(stream, [10, 5, 4, 3]);
    if (drawn > left || drawn === 0 || !allowed(countOf(concept.id, drawn))) return false;
    if (!kinds.every((kind) => allowed(pairOf(kind.concept.id, concept.id)))) return false;
    kinds.push({ concept, count: drawn, colour });
    left -= drawn;
    return true;
  };
  for (const { concept, count, colour } of wanted) {
    if (!add(concept, count, colour)) return undefined;
  }
  for (let tries = 0; kinds.length < target && tries < 3 * target; tries++) {
    const concept = concepts[stream.integer(concepts.length)]!;
    if (!kinds.some((kind) => kind.concept === concept)) add(concept, undefined);
  }
  return kinds.length === target ? kinds : undefined;
}

interface Look {
  readonly drawing: Drawing;
  readonly turn: number;
}

function drawScene(
  library: SceneLibrary,
  stream: RandomStream,
  request: SceneRequest,
  kinds: readonly Kind[],
): Scene | undefined {
  const { size, styles = library.styles } = request;
  const mixed = stream.uniform() < 0.5;
  const style = styles[stream.integer(styles.length)]!;
  const looks: Look[] = [];
  for (const { concept, count, colour } of kinds) {
    const alike = stream.uniform() < 0.6;
    let look: Look | undefined;
    for (let i = 0; i < count; i++) {
      if (!look || !alike) {
        const own = mixed ? styles[stream.integer(styles.length)]! : style;
        look = drawLook(library, stream, concept, own, colour, request.heldOut ?? false);
      }
      if (!look) return undefined;
      looks.push(look);
    }
  }
  const backgrounds = pastels.filter((pastel) =>
    looks.every(({ drawing, turn }) =>
      library.backgroundsFor(drawing.concept.id, drawing.style, turn).includes(pastel),
    ),
  );
  if (backgrounds.length === 0) return undefined;

  const lengths = drawLengths(stream, looks.length).map((length, index) =>
    Math.round(stretched(Math.max(SMALLEST, length), looks[index]!.drawing.cutout) * size),
  );
  const boxes = drawLayout(
    stream,
    size,
    looks.map(({ drawing }, index) => scaledSize(drawing.cutout, lengths[index]!)),
  );
  if (!boxes) return undefined;
  const cutouts = looks.map(({ drawing }, index) => resample(drawing.cutout, lengths[index]!));
  const depth = [...stream.permutation(looks.length)];
  const placed = depth.map((index) => {
    const [left, top] = boxes[index]!;
    return { cutout: cutouts[index]!, left, top };
  });
  const parts = visibleParts(visibleObjects(size, placed), size, placed.length);
  const objects: SceneObject[] = [];
  for (const [position, index] of depth.entries()) {
    const { rgba } = cutouts[index]!;
    const { drawing, turn } = looks[index]!;
    const { box, area } = parts[position]!;
    if (area < VISIBLE * opaquePixels(rgba)) return undefined;
    objects.push({
      concept: drawing.concept,
      style: drawing.style,
      turn,
      colour: drawing.colours[turn],
      extent: boxes[index]!,
      box,
      area,
    });
  }
  return { size, background: drawBackground(stream, backgrounds), objects };
}

/**
 * A turn of the hues: the colours that a drawing can have are equally likely, so that the name of a
 * thing does not tell its colour; where there is none to name, any turn is.
 */
function drawLook(
  library: SceneLibrary,
  stream: RandomStream,
  concept: SceneConcept,
  style: EmojiStyle,
  wanted: ColourName | undefined,
  heldOut: boolean,
): Look | undefined {
  const drawing = library.drawing(concept.id, style);
  const turns = new Map<ColourName | undefined, number[]>();
  drawing.colours.forEach((colour, turn) => {
    if (!heldOut && colour && isHeldOut(colourOf(concept.id, colour))) return;
    turns.set(colour, [...(turns.get(colour) ?? []), turn]);
  });
  const colours = wanted ? [wanted] : [...turns.keys()];
  const named = colours.filter((colour) => colour !== undefined);
  const colour = named.length > 0 ? named[stream.integer(named.length)] : undefined;
  const choice = turns.get(colour);
  return choice && { drawing, turn: choice[stream.integer(choice.length)]! };
}

/** Slim things are longer than others, or too little of them would be seen. */
function stretched(length: number, { width, height }: Cutout): number {
  const slimness = Math.max(width, height) / Math.min(width, height);
  return Math.min(MOST_STRETCHED, length * Math.min(1.6, Math.sqrt(slimness)));
}

function opaquePixels(rgba: Uint8Array): number {
  let count = 0;
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at]! >= 128) count++;
  return count;
}

/** An index with probability in proportion to its weight. */
function weighted(stream: RandomStream, weights: readonly number[]): number {
  let rest = stream.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, weight] of weights.entries()) {
    rest -= weight;
    if (rest < 0) return index;
  }
  return weights.length - 1;
}
