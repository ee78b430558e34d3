import { draw } from '@imglish/core';
import { maskOfRunLengths } from '@imglish/data';
import { beforeAll, describe, expect, it } from 'vitest';
import { RENDER_TIMEOUT, testCacheDir } from '../../test/cache-dir.js';
import { type SceneReader, sceneReader } from '../../test/scene-reader.js';
import { loadCatalogue } from '../packages.js';
import { pastels } from '../render/backgrounds.js';
import { emojiStyles } from '../styles.js';
import { colourName, turnHues } from './colours.js';
import { compositionsOf, conceptsIn, heldOutIn, isHeldOut } from './compositions.js';
import { sceneConcepts } from './concepts.js';
import { type Cutout, resample } from './cutouts.js';
import type { SceneLibrary } from './library.js';
import { loadSceneLibrary } from './load-library.js';
import { NOBODY, paintScene } from './paint.js';
import { questionPrior } from './question-prior.js';
import { type DescribedScene, describedScenes, statementSets } from './scene-source.js';
import { planScenes, type SceneSplit, sceneSplits } from './scenes-options.js';
import { runLengths } from './write/coco-files.js';

const plan = planScenes({ images: 300, languages: ['en', 'zh'] });
let library: SceneLibrary;
let reader: SceneReader;
const all = new Map<SceneSplit, DescribedScene[]>();
const everything = (): DescribedScene[] => [...all.values()].flat();

beforeAll(async () => {
  library = await loadSceneLibrary(plan, { cacheDir: testCacheDir });
  reader = sceneReader(library);
  for (const split of sceneSplits) all.set(split, [...describedScenes(library, plan, split)]);
}, RENDER_TIMEOUT);

describe('things', () => {
  it('are as many at most as asked for, in pictures and in statements', () => {
    const few = planScenes({ images: 40, things: 3 });
    const scenes = [
      ...[...describedScenes(library, few, 'train')].map(({ scene }) => scene),
      ...[...statementSets(library, few, 'train')].slice(0, 2).flatMap(({ pairs }) => pairs.flat()),
    ];
    expect(Math.max(...scenes.map(({ objects }) => objects.length))).toBe(3);
    const most = everything().map(({ scene }) => scene.objects.length);
    expect(Math.max(...most)).toBe(8);
  });
});

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

describe('captions', () => {
  it('are five different ones in each language, and true', () => {
    for (const { scene, captions } of everything()) {
      expect(new Set(captions).size).toBe(captions.length);
      expect(captions.length).toBe(10);
      for (const caption of captions.slice(0, 5)) reader.checkCaption(scene, caption);
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
        expect(reader.answerOf(scene, question), question).toBe(answer);
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
            expect(reader.isTrue(pair, statement.sentence), statement.sentence).toBe(labels[index]);
          });
        }
      }
    }
    expect(kinds.size).toBeGreaterThanOrEqual(8);
  });
});

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
