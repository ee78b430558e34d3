import type { RandomStream } from '@imglish/core';
import type { ColourName } from './colours.js';
import { type Composition, colourOf, pairOf, relationOf } from './compositions.js';
import type { SceneConcept } from './concepts.js';
import { type RelationName, relation } from './relations.js';
import type { Scene, SceneObject } from './scene.js';
import { countedThings, numberWord, withIndefinite } from './words.js';

/** A left and a right picture. */
export type ScenePair = readonly [left: Scene, right: Scene];

/** Kinds of statements. */
export type StatementKind =
  | 'total'
  | 'one image'
  | 'this image'
  | 'both'
  | 'only one'
  | 'more'
  | 'same number'
  | 'color'
  | 'relation'
  | 'bigger';

/** Something that is true of some pairs of pictures and false of others. */
export interface Statement {
  readonly kind: StatementKind;
  readonly sentence: string;
  /** Concepts that it names, by id. */
  readonly names: readonly string[];
  /** Combinations that it names. */
  readonly asks: readonly Composition[];
  /** Whether it is true of two pictures; undefined where people could disagree. */
  holds(pair: ScenePair): boolean | undefined;
  /** Whether two pictures of which it is false miss it by little: one more or fewer, the other side. */
  nearMiss(pair: ScenePair): boolean;
}

const objectsOf = (scene: Scene, concept: SceneConcept): SceneObject[] =>
  scene.objects.filter((object) => object.concept === concept);
const countIn = (scene: Scene, concept: SceneConcept): number => objectsOf(scene, concept).length;
const sides = ['left', 'right'] as const;

/** Every statement about these concepts and colours that may be worth making, in a drawn order. */
export function statementsAbout(
  concepts: readonly SceneConcept[],
  colours: ReadonlyMap<SceneConcept, readonly ColourName[]>,
  stream: RandomStream,
): Statement[] {
  const all = [
    ...concepts.flatMap(countStatements),
    ...concepts.flatMap((concept) => colourStatements(concept, colours.get(concept) ?? [])),
    ...concepts.flatMap((a) =>
      concepts.flatMap((b) => (a === b ? [] : [...relationStatements(a, b), ...moreThan(a, b)])),
    ),
  ];
  return [...stream.permutation(all.length)].map((index) => all[index]!);
}

function countStatements(concept: SceneConcept): Statement[] {
  const { noun, plural } = concept;
  const names = [concept.id];
  const counts = (pair: ScenePair): [number, number] => [
    countIn(pair[0], concept),
    countIn(pair[1], concept),
  ];
  const about = (
    kind: StatementKind,
    sentence: string,
    holds: (left: number, right: number) => boolean | undefined,
    nearMiss: (left: number, right: number) => boolean,
  ): Statement => ({
    kind,
    sentence,
    names,
    asks: [],
    holds: (pair) => holds(...counts(pair)),
    nearMiss: (pair) => nearMiss(...counts(pair)),
  });
  const exactly = (count: number): string => `${numberWord(count)} ${count === 1 ? noun : plural}`;
  const numbers = [1, 2, 3, 4];
  return [
    ...[2, 3, 4, 5, 6].map((count) =>
      about(
        'total',
        `There are exactly ${exactly(count)} in total.`,
        (left, right) => left + right === count,
        (left, right) => Math.abs(left + right - count) === 1,
      ),
    ),
    ...numbers.map((count) =>
      about(
        'one image',
        `One of the images contains exactly ${exactly(count)}.`,
        // Where both do, some would say that this is more than one of them.
        (left, right) =>
          left === count && right === count ? undefined : left === count || right === count,
        (left, right) => Math.abs(left - count) === 1 || Math.abs(right - count) === 1,
      ),
    ),
    ...sides.flatMap((side, index) =>
      numbers.map((count) =>
        about(
          'this image',
          `The ${side} image contains exactly ${exactly(count)}.`,
          (...both) => both[index] === count,
          (...both) => Math.abs(both[index]! - count) === 1 || both[1 - index] === count,
        ),
      ),
    ),
    about(
      'both',
      `Both images contain ${withIndefinite(noun)}.`,
      (left, right) => left > 0 && right > 0,
      (left, right) => left > 0 || right > 0,
    ),
    about(
      'only one',
      `Only one of the images contains ${withIndefinite(noun)}.`,
      (left, right) => left > 0 !== right > 0,
      (left, right) => left > 0 && right > 0,
    ),
    ...sides.map((side, index) =>
      about(
        'more',
        `The ${side} image contains more ${plural} than the ${sides[1 - index]} image.`,
        (...both) => both[index]! > both[1 - index]!,
        (...both) => both[1 - index]! - both[index]! <= 1,
      ),
    ),
    about(
      'same number',
      `The two images contain the same number of ${plural}.`,
      (left, right) => left === right,
      (left, right) => Math.abs(left - right) === 1,
    ),
    ...sides.map((side, index): Statement => {
      const size = (pair: ScenePair): boolean | undefined => {
        const [own, other] = [
          objectsOf(pair[index]!, concept),
          objectsOf(pair[1 - index]!, concept),
        ];
        if (own.length !== 1 || other.length !== 1) return undefined;
        return relation(pair[0], own[0]!, 'bigger than', other[0]!);
      };
      return {
        kind: 'bigger',
        sentence: `The ${noun} in the ${side} image is bigger than the one in the ${sides[1 - index]} image.`,
        names,
        asks: [],
        holds: size,
        nearMiss: () => true,
      };
    }),
  ];
}

function colourStatements(concept: SceneConcept, colours: readonly ColourName[]): Statement[] {
  return colours.flatMap((colour) => {
    const thing = countedThings(concept, 1, colour);
    const asks = [colourOf(concept.id, colour)];
    // A thing whose colour has no plain name could be taken for one of this colour.
    const shows = (scene: Scene): boolean | undefined => {
      const shown = objectsOf(scene, concept).map((object) => object.colour);
      return shown.includes(undefined) ? undefined : shown.includes(colour);
    };
    const about = (
      sentence: string,
      holds: (left: boolean, right: boolean) => boolean,
    ): Statement => ({
      kind: 'color',
      sentence,
      names: [concept.id],
      asks,
      holds(pair) {
        const [left, right] = pair.map(shows);
        return left === undefined || right === undefined ? undefined : holds(left, right);
      },
      nearMiss: (pair) => pair.some((scene) => countIn(scene, concept) > 0),
    });
    return [
      about(`The left image shows ${thing}.`, (left) => left),
      about(`The right image shows ${thing}.`, (_, right) => right),
      about(`There is ${thing} in at least one of the images.`, (left, right) => left || right),
    ];
  });
}

const relationWords: readonly { readonly words: string; readonly name: RelationName }[] = [
  { words: 'to the left of', name: 'left of' },
  { words: 'above', name: 'above' },
];

function relationStatements(a: SceneConcept, b: SceneConcept): Statement[] {
  return relationWords.flatMap(({ words, name }) => {
    const asks = [pairOf(a.id, b.id), relationOf(a.id, name, b.id), relationOf(b.id, name, a.id)];
    const shows = (scene: Scene): boolean | undefined => {
      const [ones, others] = [objectsOf(scene, a), objectsOf(scene, b)];
      const clear = ones.flatMap((one) => others.map((other) => relation(scene, one, name, other)));
      if (clear.includes(true)) return true;
      return clear.includes(undefined) ? undefined : false;
    };
    const nearMiss = (pair: ScenePair): boolean =>
      pair.some((scene) => countIn(scene, a) > 0 && countIn(scene, b) > 0);
    const phrase = `${withIndefinite(a.noun)} is ${words} ${withIndefinite(b.noun)}`;
    const about = (
      sentence: string,
      holds: (left: boolean | undefined, right: boolean | undefined) => boolean | undefined,
    ): Statement => ({
      kind: 'relation',
      sentence,
      names: [a.id, b.id],
      asks,
      holds: (pair) => holds(shows(pair[0]), shows(pair[1])),
      nearMiss,
    });
    return [
      about(`In at least one of the images, ${phrase}.`, (left, right) =>
        left || right ? true : left === undefined || right === undefined ? undefined : false,
      ),
      about(`In the left image, ${phrase}.`, (left) => left),
      about(`In the right image, ${phrase}.`, (_, right) => right),
    ];
  });
}

function moreThan(a: SceneConcept, b: SceneConcept): Statement[] {
  const total = (pair: ScenePair, concept: SceneConcept): number =>
    countIn(pair[0], concept) + countIn(pair[1], concept);
  return [
    {
      kind: 'more',
      sentence: `There are more ${a.plural} than ${b.plural} in the two images.`,
      names: [a.id, b.id],
      asks: [pairOf(a.id, b.id)],
      holds: (pair) => total(pair, a) > total(pair, b),
      nearMiss: (pair) => total(pair, b) - total(pair, a) <= 1,
    },
  ];
}
