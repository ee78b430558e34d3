import { expect } from 'vitest';
import type { ColourName } from '../src/scenes/colours.js';
import type { SceneConcept } from '../src/scenes/concepts.js';
import type { Scene, SceneObject } from '../src/scenes/scene.js';

/** Reads sentences about scenes by their words: it knows boxes, colours and names, and nothing of how a sentence was made. */
export interface SceneReader {
  /** Expects a caption to be true. */
  checkCaption(scene: Scene, caption: string): void;
  answerOf(scene: Scene, question: string): string;
  isTrue(pair: readonly [Scene, Scene], statement: string): boolean;
}

export function sceneReader(library: { readonly concepts: readonly SceneConcept[] }): SceneReader {
  const numberWords = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];
  const colourWords = 'red orange yellow green blue purple pink brown white grey gray black'.split(
    ' ',
  );

  /** Reads "two red cars" or "a small palm tree" and looks for exactly these. */
  function phrase(text: string): { concept: SceneConcept; count: number; adjective?: string } {
    const words = text.split(' ');
    const number = words.shift()!;
    const count = number === 'a' || number === 'an' ? 1 : numberWords.indexOf(number);
    expect(count, text).toBeGreaterThan(0);
    const adjective = [...colourWords, 'big', 'small'].find((word) => word === words[0]);
    if (adjective) words.shift();
    return { concept: named(words.join(' ')), count, ...(adjective && { adjective }) };
  }

  function named(noun: string): SceneConcept {
    const concept = library.concepts.find((each) => each.noun === noun || each.plural === noun);
    expect(concept, noun).toBeDefined();
    return concept!;
  }

  const of = (scene: Scene, concept: SceneConcept): SceneObject[] =>
    scene.objects.filter((object) => object.concept.id === concept.id);
  const middle = ({ box }: SceneObject): [number, number] => [
    box[0] + box[2] / 2,
    box[1] + box[3] / 2,
  ];
  const american = (colour: ColourName | undefined): string | undefined =>
    colour === 'grey' ? 'gray' : colour;

  function sees(scene: Scene, text: string): SceneObject[] {
    const { concept, count, adjective } = phrase(text);
    const found = of(scene, concept);
    expect(found.length, text).toBe(count);
    for (const object of found) {
      const length = Math.max(object.box[2], object.box[3]) / scene.size;
      if (adjective === 'big') expect(length, text).toBeGreaterThan(0.4);
      else if (adjective === 'small') expect(length, text).toBeLessThan(0.32);
      else if (adjective)
        expect(american(object.colour), text).toBe(adjective.replace('grey', 'gray'));
    }
    return found;
  }

  /** Whether a stands in a relation to b, by the centres and sizes of their boxes. */
  function stands(a: SceneObject, words: string, b: SceneObject): boolean {
    const [[ax, ay], [bx, by]] = [middle(a), middle(b)];
    if (words.includes('left')) return ax < bx;
    if (words.includes('right')) return ax > bx;
    if (words === 'above' || words === 'higher up') return ay < by;
    if (words === 'below') return ay > by;
    const [one, other] = [a.box[2] * a.box[3], b.box[2] * b.box[3]];
    return words.startsWith('bigger') ? one > other : one < other;
  }

  function listOf(text: string): string[] {
    return text.split(/, | and /);
  }

  function checkCaption(scene: Scene, caption: string): void {
    const background = / on a (.+) background$/.exec(caption);
    if (background) {
      expect(scene.background.kind).toBe('plain');
      expect(scene.background.colours[0].name.en).toBe(background[1]);
    }
    const text = caption
      .replace(/ on a .+ background$/, '')
      .replace(/^(a picture of|an image that shows|you can see|there is|there are) /, '');
    let match = /^(.+) of the things are (.+)$/.exec(text);
    if (match) {
      expect(of(scene, named(match[2]!)).length).toBe(numberWords.indexOf(match[1]!));
      return;
    }
    match = /^the (.+) (?:is|are) bigger than the (.+)$/.exec(text);
    if (match) {
      const [as, bs] = [of(scene, named(match[1]!)), of(scene, named(match[2]!))];
      expect(as.length * bs.length).toBeGreaterThan(0);
      for (const a of as) for (const b of bs) expect(stands(a, 'bigger', b), caption).toBe(true);
      return;
    }
    match = /^(.+?) (to the left of|left of|to the right of|above|below) (.+)$/.exec(text);
    if (match) {
      const [as, bs] = [sees(scene, match[1]!), sees(scene, match[3]!)];
      for (const a of as) for (const b of bs) expect(stands(a, match[2]!, b), caption).toBe(true);
      return;
    }
    match = /^(.+) in the (top|bottom) (left|right)(?: and (.+))?$/.exec(text);
    if (match) {
      const [, thing, row, column, rest] = match;
      for (const object of sees(scene, thing!)) {
        const [x, y] = middle(object);
        expect(x < scene.size / 2).toBe(column === 'left');
        expect(y < scene.size / 2).toBe(row === 'top');
      }
      for (const other of rest ? listOf(rest) : []) sees(scene, other);
      return;
    }
    match = /^(.+) things: (.+)$/.exec(text);
    if (match) expect(scene.objects.length).toBe(numberWords.indexOf(match[1]!));
    const things = listOf(match ? match[2]! : text);
    const counted = things.map((thing) => sees(scene, thing).length).reduce((a, b) => a + b, 0);
    expect(counted, caption).toBe(scene.objects.length);
  }

  /** The answer to a question, found from its words. */
  function answerOf(scene: Scene, question: string): string {
    const { objects, size } = scene;
    const only = (noun: string): SceneObject => {
      const found = of(scene, named(noun));
      expect(found.length, question).toBe(1);
      return found[0]!;
    };
    const corner = (place: string): SceneObject => {
      const there = objects.filter((object) => {
        const [x, y] = middle(object);
        return x < size / 2 === place.includes('left') && y < size / 2 === place.includes('top');
      });
      expect(there.length, question).toBe(1);
      return there[0]!;
    };
    const yes = (holds: boolean): string => (holds ? 'yes' : 'no');
    const rules: [RegExp, (...groups: string[]) => string][] = [
      [
        /^What (?:is|can be seen) in the (.+?)(?: corner)?\?$/,
        (place) => corner(place).concept.noun,
      ],
      [
        /^What color is the background\?$/,
        () => scene.background.colours[0].name.en.replace('grey', 'gray'),
      ],
      [/^What (?:color is|is the color of) the (.+)\?$/, (noun) => american(only(noun).colour)!],
      [
        /^What is the (biggest|leftmost|rightmost|topmost|bottommost) thing\?$/,
        (word) => {
          const score = (object: SceneObject): number =>
            ({
              biggest: object.box[2] * object.box[3],
              leftmost: -middle(object)[0],
              rightmost: middle(object)[0],
              topmost: -middle(object)[1],
              bottommost: middle(object)[1],
            })[word]!;
          return [...objects].sort((a, b) => score(b) - score(a))[0]!.concept.noun;
        },
      ],
      [
        /^What is (to the left of|to the right of|above|below) the (.+)\?$/,
        (words, noun) => {
          const fixed = only(noun);
          const axis = words.startsWith('to') ? 0 : 1;
          const found = objects.filter(
            (object) =>
              object !== fixed &&
              stands(object, words, fixed) &&
              Math.abs(middle(object)[axis] - middle(fixed)[axis]) > 0.1 * size,
          );
          expect(new Set(found.map(({ concept }) => concept.id)).size).toBe(1);
          return found[0]!.concept.noun;
        },
      ],
      [
        /^How many (.+) (?:are there|can you see)\?$/,
        (plural) => {
          if (plural === 'things') return String(objects.length);
          if (plural === 'animals' || plural === 'vehicles') {
            return String(objects.filter(({ concept }) => `${concept.kind}s` === plural).length);
          }
          return String(of(scene, named(plural)).length);
        },
      ],
      [
        /^Are there two things of the same kind\?$/,
        () => yes(new Set(objects.map(({ concept }) => concept.id)).size < objects.length),
      ],
      [
        /^Is the thing in the (.+) of the same kind as the one in the (.+)\?$/,
        (a, b) => yes(corner(a).concept.id === corner(b).concept.id),
      ],
      [
        /^Are there more (.+) than (.+)\?$/,
        (a, b) => yes(of(scene, named(a)).length > of(scene, named(b)).length),
      ],
      [
        /^Where is the (.+)\?$/,
        (noun) => {
          const [x, y] = middle(only(noun));
          return `${y < size / 2 ? 'top' : 'bottom'} ${x < size / 2 ? 'left' : 'right'}`;
        },
      ],
      [
        /^Which is (.+), the (.+) or the (.+)\?$/,
        (words, a, b) => (stands(only(a), words, only(b)) ? a : b),
      ],
      [
        /^Is the (.+) (to the left of|to the right of|above|below|bigger than|smaller than) the (.+)\?$/,
        (a, words, b) => yes(stands(only(a), words, only(b))),
      ],
      [
        /^Is the (.+) (\w+) or (\w+)\?$/,
        (noun, ...choice) => {
          const colour = american(only(noun).colour)!;
          expect(choice.slice(0, 2)).toContain(colour);
          return colour;
        },
      ],
      [
        /^Is there an? (.+)\?$/,
        (thing) => {
          const [first, ...rest] = thing.split(' ');
          if (!colourWords.includes(first!)) return yes(of(scene, named(thing)).length > 0);
          const colours = of(scene, named(rest.join(' '))).map(({ colour }) => american(colour));
          expect(colours).not.toContain(undefined);
          return yes(colours.includes(first));
        },
      ],
    ];
    for (const [pattern, rule] of rules) {
      const match = pattern.exec(question);
      if (match) return rule(...match.slice(1));
    }
    throw new Error(`no rule reads "${question}"`);
  }

  function isTrue(pair: readonly [Scene, Scene], sentence: string): boolean {
    const counts = (noun: string): [number, number] => [
      of(pair[0], named(noun)).length,
      of(pair[1], named(noun)).length,
    ];
    const sum = (noun: string): number => counts(noun)[0] + counts(noun)[1];
    const side = (word: string): 0 | 1 => (word === 'left' ? 0 : 1);
    const shows = (scene: Scene, thing: string): boolean => {
      const [colour, ...noun] = thing.split(' ');
      return of(scene, named(noun.join(' '))).some((object) => object.colour === colour);
    };
    const related = (scene: Scene, a: string, words: string, b: string): boolean =>
      of(scene, named(a)).some((one) =>
        of(scene, named(b)).some((other) => {
          const axis = words === 'above' ? 1 : 0;
          const apart = Math.abs(middle(one)[axis] - middle(other)[axis]) > 0.1 * scene.size;
          return apart && stands(one, words, other);
        }),
      );
    const rules: [RegExp, (...groups: string[]) => boolean][] = [
      [
        /^There are exactly (\w+) (.+) in total\.$/,
        (n, noun) => sum(noun) === numberWords.indexOf(n),
      ],
      [/^There are more (.+) than (.+) in the two images\.$/, (a, b) => sum(a) > sum(b)],
      [
        /^One of the images contains exactly (\w+) (.+)\.$/,
        (n, noun) => counts(noun).includes(numberWords.indexOf(n)),
      ],
      [
        /^The (left|right) image contains exactly (\w+) (.+)\.$/,
        (s, n, noun) => counts(noun)[side(s)] === numberWords.indexOf(n),
      ],
      [/^Both images contain an? (.+)\.$/, (noun) => Math.min(...counts(noun)) > 0],
      [
        /^Only one of the images contains an? (.+)\.$/,
        (noun) => Math.min(...counts(noun)) === 0 && sum(noun) > 0,
      ],
      [
        /^The (left|right) image contains more (.+) than the \w+ image\.$/,
        (s, noun) => counts(noun)[side(s)] > counts(noun)[1 - side(s)]!,
      ],
      [
        /^The two images contain the same number of (.+)\.$/,
        (noun) => counts(noun)[0] === counts(noun)[1],
      ],
      [
        /^The (.+) in the (left|right) image is bigger than the one in the \w+ image\.$/,
        (noun, s) => {
          const [own, other] = [
            of(pair[side(s)], named(noun)),
            of(pair[1 - side(s)]!, named(noun)),
          ];
          expect([own.length, other.length]).toEqual([1, 1]);
          return stands(own[0]!, 'bigger', other[0]!);
        },
      ],
      [/^The (left|right) image shows an? (.+)\.$/, (s, thing) => shows(pair[side(s)], thing)],
      [
        /^There is an? (.+) in at least one of the images\.$/,
        (thing) => pair.some((scene) => shows(scene, thing)),
      ],
      [
        /^In at least one of the images, an? (.+) is (to the left of|above) an? (.+)\.$/,
        (a, words, b) => pair.some((scene) => related(scene, a, words, b)),
      ],
      [
        /^In the (left|right) image, an? (.+) is (to the left of|above) an? (.+)\.$/,
        (s, a, words, b) => related(pair[side(s)], a, words, b),
      ],
    ];
    for (const [pattern, rule] of rules) {
      const match = pattern.exec(sentence);
      if (match) return rule(...match.slice(1));
    }
    throw new Error(`no rule reads "${sentence}"`);
  }

  return { checkCaption, answerOf, isTrue };
}
