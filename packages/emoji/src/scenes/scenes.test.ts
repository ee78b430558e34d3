import { draw } from '@imglish/core';
import { maskOfRunLengths } from '@imglish/data';
import { beforeAll, describe, expect, it } from 'vitest';
import { RENDER_TIMEOUT, testCacheDir } from '../../test/cache-dir.js';
import { loadCatalogue } from '../packages.js';
import { pastels } from '../render/backgrounds.js';
import { emojiStyles } from '../styles.js';
import { type ColourName, colourName, turnHues } from './colours.js';
import { compositionsOf, conceptsIn, heldOutIn, isHeldOut } from './compositions.js';
import { type SceneConcept, sceneConcepts } from './concepts.js';
import { type Cutout, resample } from './cutouts.js';
import type { SceneLibrary } from './library.js';
import { loadSceneLibrary } from './load-library.js';
import { NOBODY, paintScene } from './paint.js';
import { questionPrior } from './question-prior.js';
import type { Scene, SceneObject } from './scene.js';
import { type DescribedScene, describedScenes, statementSets } from './scene-source.js';
import { planScenes, type SceneSplit, sceneSplits } from './scenes-options.js';
import { runLengths } from './write/coco-files.js';

const plan = planScenes({ images: 300, languages: ['en', 'zh'] });
let library: SceneLibrary;
const all = new Map<SceneSplit, DescribedScene[]>();
const everything = (): DescribedScene[] => [...all.values()].flat();

beforeAll(async () => {
  library = await loadSceneLibrary(plan, { cacheDir: testCacheDir });
  for (const split of sceneSplits) all.set(split, [...describedScenes(library, plan, split)]);
}, RENDER_TIMEOUT);

describe('boxes and masks', () => {
  it('are those of the drawings laid on each other, pixel by pixel', () => {
    for (const { scene } of everything().slice(0, 60)) {
      const { size, objects } = scene;
      const cutouts = objects.map(({ concept, style, extent }) =>
        resample(library.drawing(concept.id, style).cutout, Math.max(extent[2], extent[3])),
      );
      const at = (x: number, y: number): number => {
        for (let index = objects.length - 1; index >= 0; index--) {
          const { width, height, rgba } = cutouts[index]!;
          const [dx, dy] = [x - objects[index]!.extent[0], y - objects[index]!.extent[1]];
          const inside = dx >= 0 && dy >= 0 && dx < width && dy < height;
          if (inside && rgba[(dy * width + dx) * 4 + 3]! >= 128) return index;
        }
        return NOBODY;
      };
      const { seen } = paintScene(library, scene);
      const expected = new Uint8Array(size * size);
      const xs = objects.map((): number[] => []);
      const ys = objects.map((): number[] => []);
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const index = at(x, y);
          expected[y * size + x] = index;
          xs[index]?.push(x);
          ys[index]?.push(y);
        }
      }
      expect(Buffer.compare(seen, expected)).toBe(0);
      objects.forEach(({ box, area }, index) => {
        const [left, top] = [Math.min(...xs[index]!), Math.min(...ys[index]!)];
        const [right, bottom] = [Math.max(...xs[index]!), Math.max(...ys[index]!)];
        expect(box).toEqual([left, top, right - left + 1, bottom - top + 1]);
        expect(area).toBe(xs[index]!.length);
        const whole = cutouts[index]!.rgba.filter((value, i) => i % 4 === 3 && value >= 128).length;
        expect(area).toBeGreaterThanOrEqual(0.8 * whole);
      });
      const masks = runLengths(seen, size, objects.length);
      masks.forEach((mask, index) => {
        const { data } = maskOfRunLengths({ width: size, height: size, counts: mask.counts });
        const own = seen.map((value) => Number(value === index));
        expect(Buffer.compare(data, own)).toBe(0);
      });
    }
  });

  it('leave every object large enough for 64 pixels, within the picture', () => {
    for (const { scene } of everything()) {
      for (const { extent } of scene.objects) {
        const [left, top, width, height] = extent;
        expect(Math.max(width, height)).toBeGreaterThanOrEqual(0.22 * scene.size);
        expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
        expect(Math.max(left + width, top + height)).toBeLessThanOrEqual(scene.size);
      }
    }
  });
});

// An independent reader of sentences: it knows the words and looks at boxes, nothing else.

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
    [/^What (?:is|can be seen) in the (.+?)(?: corner)?\?$/, (place) => corner(place).concept.noun],
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

describe('captions', () => {
  it('are five different ones in each language, and true', () => {
    for (const { scene, captions } of everything()) {
      expect(new Set(captions).size).toBe(captions.length);
      expect(captions.length).toBe(10);
      for (const caption of captions.slice(0, 5)) checkCaption(scene, caption);
      const nouns = new Set(scene.objects.map(({ concept }) => concept.zh));
      for (const noun of nouns) expect(captions[5]).toContain(noun);
    }
  });
});

describe('questions', () => {
  it('have the answer that another reader of their words finds', () => {
    const kinds = new Set<string>();
    for (const { scene, questions } of everything()) {
      expect(questions.length).toBeGreaterThan(0);
      for (const { question, answer, kind } of questions) {
        kinds.add(kind);
        expect(answerOf(scene, question), question).toBe(answer);
      }
    }
    expect(kinds.size).toBeGreaterThanOrEqual(12);
  });

  it('are not answered by their words', () => {
    const questions = (split: SceneSplit) => all.get(split)!.flatMap((each) => each.questions);
    const train = questions('train');
    const yesNo = train.filter(({ answer }) => answer === 'yes' || answer === 'no');
    const yes = yesNo.filter(({ answer }) => answer === 'yes').length;
    expect(Math.abs(yes / yesNo.length - 0.5)).toBeLessThan(0.03);
    for (const kind of new Set(train.map((each) => each.kind))) {
      const answers = train.filter((each) => each.kind === kind).map(({ answer }) => answer);
      const most = Math.max(
        ...[...new Set(answers)].map((a) => answers.filter((answer) => answer === a).length),
      );
      expect(most / answers.length, kind).toBeLessThan(0.55);
    }
    expect(questionPrior(train, [...questions('val'), ...questions('test')]).all).toBeLessThan(
      0.42,
    );
  });
});

describe('splits', () => {
  it('train and val show no held-out combination, test always does, test-concepts other concepts', () => {
    const shown = new Set(
      [...all.get('train')!, ...all.get('val')!].flatMap(({ scene }) => compositionsOf(scene)),
    );
    expect([...shown].filter(isHeldOut)).toEqual([]);
    for (const { scene, questions } of all.get('test')!) {
      const unseen = heldOutIn(scene);
      expect(unseen.length).toBeGreaterThan(0);
      expect(unseen.some((composition) => shown.has(composition))).toBe(false);
      const ids = unseen.flatMap(conceptsIn);
      const present = scene.objects.map(({ concept }) => concept);
      for (const { names, answer } of questions) {
        const about = present.filter(({ id, noun }) => names.includes(id) || noun === answer);
        expect(about.length === 0 || about.some(({ id }) => ids.includes(id))).toBe(true);
      }
    }
    for (const [split, described] of all) {
      for (const { scene } of described) {
        for (const { concept } of scene.objects) {
          expect(concept.unseen).toBe(split === 'test-concepts');
        }
      }
    }
    for (const { questions } of [...all.get('train')!, ...all.get('val')!]) {
      for (const { asks } of questions) expect(asks.filter(isHeldOut)).toEqual([]);
    }
  });
});

describe('statements', () => {
  it('are true of two of four pairs, and as another reader finds', () => {
    const kinds = new Set<string>();
    for (const split of sceneSplits) {
      for (const { pairs, statements } of statementSets(library, plan, split)) {
        expect(pairs.length).toBe(4);
        if (split === 'train' || split === 'val') {
          expect(pairs.flat().flatMap(heldOutIn)).toEqual([]);
        }
        for (const { statement, labels } of statements) {
          kinds.add(statement.kind);
          expect(labels.filter(Boolean).length).toBe(2);
          pairs.forEach((pair, index) => {
            expect(isTrue(pair, statement.sentence), statement.sentence).toBe(labels[index]);
          });
        }
      }
    }
    expect(kinds.size).toBeGreaterThanOrEqual(8);
  });
});

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
        const [own, other] = [of(pair[side(s)], named(noun)), of(pair[1 - side(s)]!, named(noun))];
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

/** Opacity and brightness at 16 × 16 pixels, as small as things get: what no turn of hues changes much. */
function shapeOf(cutout: Cutout): Float64Array {
  const side = 16;
  const { width, height, rgba } = resample(cutout, side);
  const shape = new Float64Array(side * side * 2);
  const [left, top] = [(side - width) >> 1, (side - height) >> 1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue, opacity] = rgba.subarray((y * width + x) * 4) as unknown as number[];
      const at = ((top + y) * side + left + x) * 2;
      shape[at] = opacity!;
      shape[at + 1] = ((0.3 * red! + 0.59 * green! + 0.11 * blue!) * opacity!) / 255;
    }
  }
  return shape;
}

describe('concepts', () => {
  it('are drawn in every style, unlike each other, of clusters of their own, unseen where the catalogue says so', async () => {
    const catalogue = new Map((await loadCatalogue()).map((concept) => [concept.id, concept]));
    const concepts = sceneConcepts([...catalogue.values()]);
    expect(new Set(concepts.map(({ id }) => catalogue.get(id)!.cluster)).size).toBe(
      concepts.length,
    );
    expect(new Set(concepts.flatMap(({ noun, plural }) => [...new Set([noun, plural])])).size).toBe(
      concepts.reduce((sum, { noun, plural }) => sum + (noun === plural ? 1 : 2), 0),
    );
    for (const { id, unseen } of concepts) {
      expect(unseen).toBe(catalogue.get(id)!.split !== 'train');
      for (const style of emojiStyles) {
        expect(library.drawing(id, style).cutout.width).toBeGreaterThan(20);
      }
    }
    for (const style of emojiStyles) {
      const shapes = concepts.map(({ id }) => shapeOf(library.drawing(id, style).cutout));
      shapes.forEach((a, i) => {
        for (let j = i + 1; j < shapes.length; j++) {
          const difference = a.reduce((sum, value, k) => sum + Math.abs(value - shapes[j]![k]!), 0);
          const pair = `${style}: ${concepts[i]!.noun}, ${concepts[j]!.noun}`;
          expect(difference / a.length, pair).toBeGreaterThan(18);
        }
      });
    }
    const some = sceneConcepts([...catalogue.values()], 40);
    expect(Math.abs(some.length - 40)).toBeLessThanOrEqual(1);
    expect(() => sceneConcepts([...catalogue.values()], ['cat', 'unicorn'])).toThrow(/unicorn/);
  });
});

describe('colours', () => {
  it('have names away from the borders between names, and none on them', () => {
    expect(colourName(221, 46, 68)).toBe('red');
    expect(colourName(255, 204, 77)).toBeUndefined();
    expect(colourName(255, 220, 40)).toBe('yellow');
    expect(colourName(119, 178, 85)).toBe('green');
    expect(colourName(60, 120, 220)).toBe('blue');
    expect(colourName(0, 200, 200)).toBeUndefined();
    expect(colourName(255, 255, 255)).toBe('white');
    expect(colourName(10, 10, 10)).toBe('black');
  });

  it('turn round the circle and back, keeping the brightest and the darkest channel', () => {
    const stream = draw(1, 'colours');
    const rgba = Uint8Array.from({ length: 400 }, (_, i) =>
      i % 4 === 3 ? 255 : stream.integer(256),
    );
    const turned = turnHues(rgba, 120);
    for (let at = 0; at < rgba.length; at += 4) {
      // A third of a circle moves red to green, green to blue, blue to red.
      expect([turned[at + 1], turned[at + 2], turned[at]]).toEqual([...rgba.subarray(at, at + 3)]);
    }
    expect(turnHues(turnHues(turned, 120), 120)).toEqual(rgba);
  });

  it('of backgrounds are never those of an outline', () => {
    for (const { scene } of everything()) {
      for (const { concept, style, turn } of scene.objects) {
        const clear = library.backgroundsFor(concept.id, style, turn);
        for (const colour of scene.background.colours) {
          expect(pastels).toContain(colour);
          expect(clear).toContain(colour);
        }
      }
    }
  });
});
