import type { Scene, SceneObject } from './scene.js';

/** How two objects lie or compare. The reverse relations have the same names with a and b swapped. */
export type RelationName = 'left of' | 'above' | 'bigger than';

export const relations: readonly RelationName[] = ['left of', 'above', 'bigger than'];

/** Centres that are nearer than this share of the picture's side are neither left nor right. */
const APART = 0.15;
/** One is bigger where the side of a square as large as its box is so many times as long. */
const BIGGER = 1.35;

/** The centre of an object's visible box, in shares of the picture's side. */
export function centreOf(
  { box: [left, top, width, height] }: SceneObject,
  size: number,
): {
  x: number;
  y: number;
} {
  return { x: (left + width / 2) / size, y: (top + height / 2) / size };
}

/** The side of a square as large as the visible box, as a share of the picture's side. */
export function lengthOf({ box: [, , width, height] }: SceneObject, size: number): number {
  return Math.sqrt(width * height) / size;
}

/** Whether a relation holds; undefined where people could disagree. */
export function relation(
  { size }: Scene,
  a: SceneObject,
  name: RelationName,
  b: SceneObject,
): boolean | undefined {
  if (name === 'bigger than') {
    const ratio = lengthOf(a, size) / lengthOf(b, size);
    return ratio >= BIGGER ? true : ratio <= 1 / BIGGER ? false : undefined;
  }
  const axis = name === 'left of' ? 'x' : 'y';
  const distance = centreOf(b, size)[axis] - centreOf(a, size)[axis];
  return distance >= APART ? true : distance <= -APART ? false : undefined;
}

/** The four corners, as people write them. */
export type Place = 'top left' | 'top right' | 'bottom left' | 'bottom right';

export const places: readonly Place[] = ['top left', 'top right', 'bottom left', 'bottom right'];

/** Centres within this share of the middle lines are in no corner. */
const MIDDLE = 0.08;

/** The corner that an object is in; undefined near the middle lines. */
export function placeOf(object: SceneObject, size: number): Place | undefined {
  const { x, y } = centreOf(object, size);
  if (Math.abs(x - 0.5) < MIDDLE || Math.abs(y - 0.5) < MIDDLE) return undefined;
  return `${y < 0.5 ? 'top' : 'bottom'} ${x < 0.5 ? 'left' : 'right'}`;
}

/** The only object in a corner, and clearly there; undefined if there is none such. */
export function onlyOneAt(scene: Scene, place: Place): SceneObject | undefined {
  const within = scene.objects.filter((object) => {
    const { x, y } = centreOf(object, scene.size);
    return y < 0.5 === place.startsWith('top') && x < 0.5 === place.endsWith('left');
  });
  const [only] = within;
  return within.length === 1 && placeOf(only!, scene.size) === place ? only : undefined;
}

/** A length that people call big, and one they call small, as shares of the picture's side. */
const BIG = 0.42;
const SMALL = 0.3;

/** Whether an object is big or small by the longer side of its box; undefined in between. */
export function sizeOf({ box }: SceneObject, size: number): 'big' | 'small' | undefined {
  const length = Math.max(box[2], box[3]) / size;
  return length >= BIG ? 'big' : length <= SMALL ? 'small' : undefined;
}
