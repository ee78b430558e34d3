import type { EmojiStyle } from '../styles.js';
import type { ColourName } from './colours.js';
import type { SceneConcept } from './concepts.js';
import type { SceneBackground } from './scene-backgrounds.js';

/** Left, top, width and height in pixels. */
export type Box = readonly [left: number, top: number, width: number, height: number];

/** Something in a scene. */
export interface SceneObject {
  readonly concept: SceneConcept;
  readonly style: EmojiStyle;
  /** By how many steps of `HUE_STEP` degrees the hues of the drawing are turned. */
  readonly turn: number;
  /** The colour that people would name, if there is one. */
  readonly colour?: ColourName | undefined;
  /** Where the whole drawing lies, covered parts included. */
  readonly extent: Box;
  /** The smallest box around the visible part. */
  readonly box: Box;
  /** Visible pixels. */
  readonly area: number;
}

/** A picture and all that is true of it. */
export interface Scene {
  /** Side of the picture in pixels. */
  readonly size: number;
  readonly background: SceneBackground;
  /** From back to front. */
  readonly objects: readonly SceneObject[];
}

/** The objects of a scene by concept, in the order of their first one. */
export function kindsOf(scene: Scene): { concept: SceneConcept; objects: SceneObject[] }[] {
  const kinds = new Map<string, { concept: SceneConcept; objects: SceneObject[] }>();
  for (const object of scene.objects) {
    const kind = kinds.get(object.concept.id) ?? { concept: object.concept, objects: [] };
    kind.objects.push(object);
    kinds.set(object.concept.id, kind);
  }
  return [...kinds.values()];
}
