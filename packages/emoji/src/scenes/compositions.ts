import { draw } from '@imglish/core';
import type { ColourName } from './colours.js';
import { type RelationName, relation, relations } from './relations.js';
import { kindsOf, type Scene } from './scene.js';

/** A combination that a scene shows, as a key of words and concept ids. */
export type Composition = `${'pair' | 'count' | 'colour' | 'relation'} ${string}`;

/** Two concepts in one picture. */
export function pairOf(a: string, b: string): Composition {
  return a < b ? `pair ${a} ${b}` : `pair ${b} ${a}`;
}

/** So many of a concept, no more and no fewer. */
export function countOf(concept: string, count: number): Composition {
  return `count ${concept} ${count}`;
}

/** One of a concept in a colour. */
export function colourOf(concept: string, colour: ColourName): Composition {
  return `colour ${concept} ${colour}`;
}

/** One of a concept left of, above, or bigger than one of another. */
export function relationOf(a: string, name: RelationName, b: string): Composition {
  return `relation ${a} ${name} ${b}`;
}

/** Shares of the pairs, colours, and directions of each relation that are held out. */
const PAIRS = 0.12;
const COLOURS = 0.12;
const RELATIONS = 0.1;

/** A thing of one of these colours, a white snowman, keeps it however its hues are turned. */
const ALWAYS_SHOWN: readonly string[] = ['white', 'grey', 'black', 'brown'];

const known = new Map<Composition, boolean>();

/**
 * Whether a combination is kept for the split `test`, and shown in no picture of `train` and `val`:
 * - 12 % of the pairs of concepts;
 * - 12 % of the bright colours of a concept;
 * - for half of the concepts, one of the counts 2, 3 and 4;
 * - for 20 % of the pairs and each of the relations left of, above and bigger than, one direction.
 *
 * It depends on the combination alone: neither on a seed nor on which concepts there are.
 */
export function isHeldOut(composition: Composition): boolean {
  let held = known.get(composition);
  if (held === undefined) {
    held = decide(composition);
    known.set(composition, held);
  }
  return held;
}

function decide(composition: Composition): boolean {
  const chance = (key: string): number => draw(0, `scenes/held-out/${key}`).uniform();
  const words = composition.split(' ');
  if (words[0] === 'pair') return chance(composition) < PAIRS;
  if (words[0] === 'colour') {
    return !ALWAYS_SHOWN.includes(words[2]!) && chance(composition) < COLOURS;
  }
  // Of six equal parts of the draw, three stand for the counts 2, 3 and 4.
  if (words[0] === 'count') {
    return Math.floor(chance(`count ${words[1]}`) * 6) + 2 === Number(words[2]);
  }
  const [first, last] = [words[1]!, words.at(-1)!];
  const name = words.slice(2, -1).join(' ');
  const [a, b] = first < last ? [first, last] : [last, first];
  const u = chance(`relation ${a} ${name} ${b}`);
  return first < last ? u < RELATIONS : u >= RELATIONS && u < 2 * RELATIONS;
}

/** Every combination that a scene shows; relations only where they are clear. */
export function compositionsOf(scene: Scene): Composition[] {
  const found = new Set<Composition>();
  const kinds = kindsOf(scene);
  for (const { concept, objects } of kinds) {
    found.add(countOf(concept.id, objects.length));
    for (const { colour } of objects) if (colour) found.add(colourOf(concept.id, colour));
    for (const other of kinds) {
      if (other.concept === concept) continue;
      found.add(pairOf(concept.id, other.concept.id));
      for (const name of relations) {
        const holds = objects.some((a) => other.objects.some((b) => relation(scene, a, name, b)));
        if (holds) found.add(relationOf(concept.id, name, other.concept.id));
      }
    }
  }
  return [...found];
}

/** The held-out combinations that a scene shows: none in `train` and `val`, some in `test`. */
export function heldOutIn(scene: Scene): Composition[] {
  return compositionsOf(scene).filter(isHeldOut);
}

/** The ids of the concepts that a combination is about. */
export function conceptsIn(composition: Composition): string[] {
  const words = composition.split(' ');
  return words[0] === 'pair' || words[0] === 'relation' ? [words[1]!, words.at(-1)!] : [words[1]!];
}
