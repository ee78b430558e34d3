import type { RandomStream } from '@imglish/core';
import type { ColourName } from './colours.js';
import { type Composition, colourOf, pairOf, relationOf } from './compositions.js';
import type { SceneConcept } from './concepts.js';
import type { SceneLibrary } from './library.js';
import {
  centreOf,
  lengthOf,
  onlyOneAt,
  placeOf,
  places,
  type RelationName,
  relation,
} from './relations.js';
import { kindsOf, type Scene, type SceneObject } from './scene.js';
import { americanColour, withIndefinite } from './words.js';

/** Kinds of questions; VQAv2's `question_type`. */
export type QuestionKind =
  | 'what is in'
  | 'what is next to'
  | 'what is the'
  | 'how many'
  | 'how many in all'
  | 'is there'
  | 'is there a color'
  | 'what color'
  | 'what color is the background'
  | 'is it left or above'
  | 'same kind'
  | 'same kind in two places'
  | 'are there more'
  | 'where is'
  | 'is it bigger'
  | 'which of two';

/** A question about a scene. */
export interface Question {
  readonly kind: QuestionKind;
  readonly question: string;
  readonly answer: string;
  /** Concepts that it names, by id. */
  readonly names: readonly string[];
  /** Combinations that it names, true or not. */
  readonly asks: readonly Composition[];
  /** What the answers are balanced over besides the kind: the words that could give them away. */
  readonly cues: readonly string[];
}

/** VQAv2's `answer_type`. */
export function answerType(answer: string): 'yes/no' | 'number' | 'other' {
  if (answer === 'yes' || answer === 'no') return 'yes/no';
  return /^\d+$/.test(answer) ? 'number' : 'other';
}

/** What questions about a scene are made from. */
interface Facts {
  readonly scene: Scene;
  readonly library: SceneLibrary;
  readonly stream: RandomStream;
  readonly kinds: ReturnType<typeof kindsOf>;
  /** Concepts of which there is one, and it. */
  readonly singles: readonly SceneObject[];
  /** Concepts that are not there but could be. */
  readonly absent: readonly SceneConcept[];
}

/** The only ones of their kind are asked for a colour if they could have as many as this. */
const ENOUGH_COLOURS = 4;

/**
 * Every question that can be asked about a scene, in a drawn order, each with its one right answer.
 *
 * @param concepts those that are asked about where they are absent.
 */
export function questionsAbout(
  scene: Scene,
  library: SceneLibrary,
  concepts: readonly SceneConcept[],
  stream: RandomStream,
): Question[] {
  const kinds = kindsOf(scene);
  const missing = concepts.filter((concept) => !kinds.some((kind) => kind.concept === concept));
  const absent = [...stream.permutation(missing.length)].slice(0, 6).map((i) => missing[i]!);
  const singles = kinds.flatMap(({ objects }) => (objects.length === 1 ? objects : []));
  const facts: Facts = { scene, library, stream, kinds, singles, absent };
  const all = asking.flatMap((ask) => ask(facts));
  return [...stream.permutation(all.length)].map((index) => all[index]!);
}

const yesNo = (holds: boolean): string => (holds ? 'yes' : 'no');

function question(
  kind: QuestionKind,
  text: string,
  answer: string,
  names: readonly SceneConcept[] = [],
  asks: readonly Composition[] = [],
): Question {
  const cues = names.map(({ id }, index) => `${index} ${id}`);
  return { kind, question: text, answer, names: names.map(({ id }) => id), asks, cues };
}

const asking: readonly ((facts: Facts) => Question[])[] = [
  // What is in a corner.
  ({ scene, stream }) =>
    places.flatMap((place) => {
      const there = onlyOneAt(scene, place);
      if (!there) return [];
      const text = [`What is in the ${place}?`, `What can be seen in the ${place} corner?`];
      return [question('what is in', text[stream.integer(2)]!, there.concept.noun)];
    }),

  // What is beside, above or below the only one of a kind.
  ({ scene, singles }) =>
    singles.flatMap((single) =>
      sides.flatMap(({ words, holds }) => {
        const others = scene.objects.filter((other) => other !== single);
        const clear = others.map((other) => holds(scene, other, single));
        const found = others.filter((_, index) => clear[index]);
        const nouns = new Set(found.map(({ concept }) => concept.noun));
        if (clear.includes(undefined) || nouns.size !== 1) return [];
        const text = `What is ${words} the ${single.concept.noun}?`;
        return [question('what is next to', text, [...nouns][0]!, [single.concept])];
      }),
    ),

  // The biggest thing, and the one furthest out.
  ({ scene }) => {
    if (scene.objects.length < 2) return [];
    return extremes.flatMap(({ word, score, apart }) => {
      const [first, second] = [...scene.objects].sort((a, b) => score(b, scene) - score(a, scene));
      if (score(first!, scene) - score(second!, scene) < apart) return [];
      return [question('what is the', `What is the ${word} thing?`, first!.concept.noun)];
    });
  },

  // Counts of a concept, none included.
  ({ kinds, absent, stream }) => {
    const ask = (concept: SceneConcept, count: number): Question => {
      const { plural } = concept;
      const text = [`How many ${plural} are there?`, `How many ${plural} can you see?`];
      return question('how many', text[stream.integer(2)]!, String(count), [concept]);
    };
    return [
      ...kinds.map(({ concept, objects }) => ask(concept, objects.length)),
      ...absent.slice(0, 1).map((concept) => ask(concept, 0)),
    ];
  },

  // Counts of everything, and of kinds of things.
  ({ scene: { objects } }) => {
    const total = `How many things are there?`;
    const ofKind = (['animal', 'vehicle'] as const).map((kind) => {
      const count = objects.filter(({ concept }) => concept.kind === kind).length;
      return question('how many in all', `How many ${kind}s are there?`, String(count));
    });
    return [question('how many in all', total, String(objects.length)), ...ofKind];
  },

  ({ kinds, absent }) => {
    const ask = (concept: SceneConcept, holds: boolean): Question =>
      question('is there', `Is there ${withIndefinite(concept.noun)}?`, yesNo(holds), [concept]);
    return [
      ...kinds.map(({ concept }) => ask(concept, true)),
      ...absent.map((concept) => ask(concept, false)),
    ];
  },

  // A concept in a colour: there in that colour, or only in others.
  ({ kinds, library }) =>
    kinds.flatMap(({ concept, objects }) => {
      const shown = objects.map(({ colour }) => colour);
      const possible = library.coloursOf(concept.id);
      if (shown.includes(undefined) || possible.length < ENOUGH_COLOURS) return [];
      return possible.map((colour) => {
        const thing = withIndefinite(`${americanColour(colour)} ${concept.noun}`);
        const asks = [colourOf(concept.id, colour)];
        const holds = yesNo(shown.includes(colour));
        const asked = question('is there a color', `Is there ${thing}?`, holds, [concept], asks);
        return { ...asked, cues: [...asked.cues, colour, `${concept.id} ${colour}`] };
      });
    }),

  ({ singles, library, stream }) =>
    singles.flatMap(({ concept, colour }) => {
      if (!colour || library.coloursOf(concept.id).length < ENOUGH_COLOURS) return [];
      const text = [
        `What color is the ${concept.noun}?`,
        `What is the color of the ${concept.noun}?`,
      ];
      return [question('what color', text[stream.integer(2)]!, americanColour(colour), [concept])];
    }),

  ({ scene: { background } }) => {
    if (background.kind !== 'plain') return [];
    const colour = background.colours[0].name.en.replace('grey', 'gray');
    const text = 'What color is the background?';
    return [question('what color is the background', text, colour)];
  },

  // Relations of two that are the only ones of their kinds.
  ({ scene, singles }) =>
    pairs(singles).flatMap(([a, b]) =>
      sides.flatMap(({ words, name, holds }) => {
        const answer = holds(scene, a, b);
        if (answer === undefined) return [];
        const text = `Is the ${a.concept.noun} ${words} the ${b.concept.noun}?`;
        const asked = question(
          'is it left or above',
          text,
          yesNo(answer),
          [a.concept, b.concept],
          [...named(a, name, b)],
        );
        return [{ ...asked, cues: [...asked.cues, words] }];
      }),
    ),

  ({ scene, singles }) =>
    pairs(singles).flatMap(([a, b]) => {
      const bigger = relation(scene, a, 'bigger than', b);
      if (bigger === undefined) return [];
      return (['bigger', 'smaller'] as const).map((word) => {
        const text = `Is the ${a.concept.noun} ${word} than the ${b.concept.noun}?`;
        const answer = yesNo(bigger === (word === 'bigger'));
        return question(
          'is it bigger',
          text,
          answer,
          [a.concept, b.concept],
          [...named(a, 'bigger than', b)],
        );
      });
    }),

  // Two of a kind anywhere, or in two corners.
  ({ scene, kinds }) => {
    if (scene.objects.length < 2) return [];
    const two = kinds.some(({ objects }) => objects.length > 1);
    const anywhere = question('same kind', 'Are there two things of the same kind?', yesNo(two));
    const corners = places.flatMap((place) => {
      const there = onlyOneAt(scene, place);
      return there ? [{ place, there }] : [];
    });
    const compared = pairs(corners).map(([a, b]) => {
      const text = `Is the thing in the ${a.place} of the same kind as the one in the ${b.place}?`;
      return question('same kind in two places', text, yesNo(a.there.concept === b.there.concept));
    });
    return [anywhere, ...compared];
  },

  ({ kinds }) =>
    pairs(kinds).map(([a, b]) => {
      const text = `Are there more ${a.concept.plural} than ${b.concept.plural}?`;
      const more = yesNo(a.objects.length > b.objects.length);
      return question(
        'are there more',
        text,
        more,
        [a.concept, b.concept],
        [pairOf(a.concept.id, b.concept.id)],
      );
    }),

  ({ scene, singles }) =>
    singles.flatMap((single) => {
      const place = placeOf(single, scene.size);
      if (!place) return [];
      return [
        question('where is', `Where is the ${single.concept.noun}?`, place, [single.concept]),
      ];
    }),

  // One of two: colours of a thing, or things by size or place.
  ({ scene, singles, library }) => {
    const colours = singles.flatMap(({ concept, colour }) => {
      const possible = library.coloursOf(concept.id);
      if (!colour || possible.length < ENOUGH_COLOURS) return [];
      return possible.flatMap((other) => {
        if (other === colour) return [];
        const choices: [ColourName, ColourName][] = [
          [colour, other],
          [other, colour],
        ];
        return choices.map((choice): Question => {
          const [first, second] = choice.map(americanColour);
          const text = `Is the ${concept.noun} ${first} or ${second}?`;
          const asks = choice.map((each) => colourOf(concept.id, each));
          const asked = question('which of two', text, americanColour(colour), [concept], asks);
          const right = choice.indexOf(colour);
          return { ...asked, cues: [`colour ${right}`, [...choice].sort().join(' ')] };
        });
      });
    });
    const things = pairs(singles).flatMap(([a, b]) =>
      comparisons.flatMap(({ words, name }) => {
        const holds = relation(scene, a, name, b);
        if (holds === undefined) return [];
        const text = `Which is ${words}, the ${a.concept.noun} or the ${b.concept.noun}?`;
        const right = holds ? a : b;
        const asked = question(
          'which of two',
          text,
          right.concept.noun,
          [a.concept, b.concept],
          [...named(a, name, b)],
        );
        return [{ ...asked, cues: [`thing ${holds ? 0 : 1}`] }];
      }),
    );
    return [...colours, ...things];
  },
];

type Side = 'to the left of' | 'to the right of' | 'above' | 'below';

const sides: readonly {
  readonly words: Side;
  readonly name: RelationName;
  holds(scene: Scene, a: SceneObject, b: SceneObject): boolean | undefined;
}[] = [
  { words: 'to the left of', name: 'left of', holds: (s, a, b) => relation(s, a, 'left of', b) },
  { words: 'to the right of', name: 'left of', holds: (s, a, b) => relation(s, b, 'left of', a) },
  { words: 'above', name: 'above', holds: (s, a, b) => relation(s, a, 'above', b) },
  { words: 'below', name: 'above', holds: (s, a, b) => relation(s, b, 'above', a) },
];

const comparisons: readonly { readonly words: string; readonly name: RelationName }[] = [
  { words: 'bigger', name: 'bigger than' },
  { words: 'further to the left', name: 'left of' },
  { words: 'higher up', name: 'above' },
];

/** Superlatives: by how much the first must lead the second for all to agree. */
const extremes: readonly {
  readonly word: string;
  readonly apart: number;
  score(object: SceneObject, scene: Scene): number;
}[] = [
  { word: 'biggest', apart: 0.1, score: (object, { size }) => lengthOf(object, size) },
  { word: 'leftmost', apart: 0.12, score: (object, { size }) => -centreOf(object, size).x },
  { word: 'rightmost', apart: 0.12, score: (object, { size }) => centreOf(object, size).x },
  { word: 'topmost', apart: 0.12, score: (object, { size }) => -centreOf(object, size).y },
  { word: 'bottommost', apart: 0.12, score: (object, { size }) => centreOf(object, size).y },
];

/** The pair and both directions of a relation: to ask for one is to ask for the other. */
function named(a: SceneObject, name: RelationName, b: SceneObject): Composition[] {
  const [first, second] = [a.concept.id, b.concept.id];
  return [pairOf(first, second), relationOf(first, name, second), relationOf(second, name, first)];
}

/** Every ordered pair of different members. */
function pairs<T>(members: readonly T[]): [T, T][] {
  return members.flatMap((a) => members.flatMap((b): [T, T][] => (a === b ? [] : [[a, b]])));
}
