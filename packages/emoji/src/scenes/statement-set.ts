import type { RandomStream } from '@imglish/core';
import type { ColourName } from './colours.js';
import { tryScene } from './compose-scene.js';
import { conceptsIn, heldOutIn, isHeldOut, pairOf } from './compositions.js';
import type { SceneConcept } from './concepts.js';
import type { SceneLibrary } from './library.js';
import type { Scene } from './scene.js';
import type { SceneSplit } from './scenes-options.js';
import {
  type ScenePair,
  type Statement,
  type StatementKind,
  statementsAbout,
} from './statements.js';

/** Four pairs of pictures, and statements that are true of two pairs and false of the other two. */
export interface StatementSet {
  readonly pairs: readonly ScenePair[];
  readonly statements: readonly {
    readonly statement: Statement;
    readonly labels: readonly boolean[];
  }[];
}

const PAIRS = 4;
const CONCEPTS = 3;
const STATEMENTS = 4;
/** In small scenes counts are near each other, and so the statements that are missed by little. */
const MOST_OBJECTS = 6;

export interface StatementSetOptions {
  readonly size: number;
  /** Things in a picture, at most. */
  readonly things: number;
  /** Concepts to choose from. */
  readonly concepts: readonly SceneConcept[];
  /** In `test` the pictures show held-out combinations, and the statements are about their concepts. */
  readonly split: SceneSplit;
  /** How often each kind of statement was made: the rare ones come first. It is updated. */
  readonly made: Map<StatementKind, number>;
}

/**
 * Draws a few concepts, four pairs of pictures of them and up to four statements, each true of two
 * pairs, false of two, and nearly true of at least one of those. Nobody can tell the answer from the
 * sentence, nor from the concepts that are there.
 */
export function drawStatementSet(
  library: SceneLibrary,
  stream: RandomStream,
  options: StatementSetOptions,
): StatementSet {
  for (;;) {
    const concepts = drawConcepts(stream, options);
    if (!concepts) continue;
    const pairs = drawPairs(library, stream, concepts, options);
    // No background shows all three of some concepts: others are drawn then.
    if (!pairs) continue;
    const statements = chooseStatements(concepts, pairs, stream, options);
    if (statements.length > 0) return { pairs, statements };
  }
}

function drawPairs(
  library: SceneLibrary,
  stream: RandomStream,
  concepts: readonly SceneConcept[],
  { size, things, split }: StatementSetOptions,
): ScenePair[] | undefined {
  const scenes: Scene[] = [];
  while (scenes.length < 2 * PAIRS) {
    const scene = tryScene(library, stream, {
      concepts,
      size,
      kinds: 1 + stream.integer(CONCEPTS),
      most: Math.min(things, MOST_OBJECTS),
      heldOut: mayHoldOut(split),
    });
    if (!scene) return undefined;
    scenes.push(scene);
  }
  return Array.from({ length: PAIRS }, (_, i) => [scenes[2 * i]!, scenes[2 * i + 1]!]);
}

/** Concepts that may be together. */
function drawConcepts(
  stream: RandomStream,
  { concepts, split }: StatementSetOptions,
): SceneConcept[] | undefined {
  const drawn = Array.from({ length: CONCEPTS }, () => concepts[stream.integer(concepts.length)]!);
  if (new Set(drawn).size < CONCEPTS) return undefined;
  if (mayHoldOut(split)) return drawn;
  const apart = drawn.some((a) => drawn.some((b) => a !== b && isHeldOut(pairOf(a.id, b.id))));
  return apart ? undefined : drawn;
}

function chooseStatements(
  concepts: readonly SceneConcept[],
  pairs: readonly ScenePair[],
  stream: RandomStream,
  { split, made }: StatementSetOptions,
): { statement: Statement; labels: boolean[] }[] {
  const scenes = pairs.flat();
  const colours = new Map<SceneConcept, ColourName[]>();
  for (const { concept, colour } of scenes.flatMap(({ objects }) => objects)) {
    const seen = colours.get(concept) ?? [];
    if (colour && !seen.includes(colour)) colours.set(concept, [...seen, colour]);
  }
  const unseen = new Set(scenes.flatMap(heldOutIn).flatMap(conceptsIn));
  const candidates = statementsAbout(concepts, colours, stream).filter(({ names, asks }) => {
    if (split === 'test') return names.some((id) => unseen.has(id));
    return split === 'test-concepts' || !asks.some(isHeldOut);
  });
  const chosen: { statement: Statement; labels: boolean[] }[] = [];
  const times = ({ kind }: Statement): number => made.get(kind) ?? 0;
  candidates.sort((a, b) => times(a) - times(b));
  for (const statement of candidates) {
    if (chosen.length === STATEMENTS) break;
    if (chosen.some((other) => other.statement.kind === statement.kind)) continue;
    const labels = pairs.map((pair) => statement.holds(pair));
    if (labels.includes(undefined)) continue;
    if (labels.filter(Boolean).length !== PAIRS / 2) continue;
    if (!pairs.some((pair, index) => !labels[index] && statement.nearMiss(pair))) continue;
    chosen.push({ statement, labels: labels as boolean[] });
  }
  for (const { statement } of chosen) made.set(statement.kind, times(statement) + 1);
  return chosen;
}

function mayHoldOut(split: SceneSplit): boolean {
  return split === 'test' || split === 'test-concepts';
}
