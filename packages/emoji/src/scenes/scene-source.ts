import { draw } from '@imglish/core';
import type { EmojiStyle } from '../styles.js';
import { captionsOfScene } from './captions.js';
import { QuestionChooser } from './choose-questions.js';
import { composeScene } from './compose-scene.js';
import { conceptsIn, heldOutIn, isHeldOut } from './compositions.js';
import type { SceneConcept } from './concepts.js';
import type { SceneLibrary } from './library.js';
import { type Question, questionsAbout } from './questions.js';
import type { Scene } from './scene.js';
import { CAPTIONS, type ScenePlan, type SceneSplit } from './scenes-options.js';
import { drawStatementSet, type StatementSet } from './statement-set.js';
import type { StatementKind } from './statements.js';

/** A scene with what is said and asked about it. */
export interface DescribedScene {
  readonly split: SceneSplit;
  readonly scene: Scene;
  /** Five in each language, one language after the other. */
  readonly captions: readonly string[];
  readonly questions: readonly Question[];
}

/** The concepts that a split shows. */
export function conceptsFor(library: SceneLibrary, split: SceneSplit): SceneConcept[] {
  return library.concepts.filter(({ unseen }) => unseen === (split === 'test-concepts'));
}

/**
 * The scenes of a split, one after another. Scene `i` comes from its own random numbers; only which
 * questions are chosen depends on the scenes before it, so that the answers of the whole are balanced.
 */
export function* describedScenes(
  library: SceneLibrary,
  plan: ScenePlan,
  split: SceneSplit,
): Generator<DescribedScene> {
  const chooser = new QuestionChooser();
  const concepts = conceptsFor(library, split);
  for (let index = 0; index < plan.images[split]; index++) {
    const stream = (purpose: string) => draw(plan.seed, `scenes/${purpose}/${split}`, 0, index);
    const scene = composeScene(library, stream('scene'), {
      concepts,
      size: plan.size,
      most: plan.things,
      heldOut: split === 'test' || split === 'test-concepts',
      ...(split === 'test' && { accept: (drawn) => heldOutIn(drawn).length > 0 }),
    });
    const candidates = questionsAbout(scene, library, concepts, stream('questions'));
    const questions = chooser.choose(
      candidates.filter((question) => isFor(split, scene, question)),
      plan.questions,
    );
    const captions = plan.languages.flatMap((language) =>
      captionsOfScene(scene, language, CAPTIONS, stream(`captions/${language}`)),
    );
    yield { split, scene, captions, questions };
  }
}

/**
 * Whether a question belongs to a split. In `train` and `val` none names a combination that no
 * picture there shows: its answer would always be no. In `test`, one that names things of the picture
 * names one of an unseen combination. In `test-concepts` no concept is the answer: no model could
 * have learnt its name.
 */
function isFor(split: SceneSplit, scene: Scene, { names, asks, answer }: Question): boolean {
  if (split === 'test-concepts') {
    return !scene.objects.some(({ concept }) => concept.noun === answer);
  }
  if (split !== 'test') return !asks.some(isHeldOut);
  const unseen = heldOutIn(scene).flatMap(conceptsIn);
  const shown = scene.objects
    .map(({ concept }) => concept)
    .filter(({ id, noun }) => names.includes(id) || noun === answer);
  return shown.length === 0 || shown.some(({ id }) => unseen.includes(id));
}

/** The sets of statements of a split. */
export function* statementSets(
  library: SceneLibrary,
  plan: ScenePlan,
  split: SceneSplit,
): Generator<StatementSet> {
  const made = new Map<StatementKind, number>();
  const concepts = conceptsFor(library, split);
  for (let index = 0; index < plan.statementSets[split]; index++) {
    const stream = draw(plan.seed, `scenes/statements/${split}`, 0, index);
    yield drawStatementSet(library, stream, {
      size: plan.size,
      things: plan.things,
      concepts,
      split,
      made,
    });
  }
}

/**
 * Single objects of a class, with held-out colours left out. `test` shows it in the one style that
 * `train` and `val` do not; where there is only one style, there is no `test`.
 */
export function* classScenes(
  library: SceneLibrary,
  plan: ScenePlan,
  split: keyof ScenePlan['perClass'],
  concept: SceneConcept,
): Generator<Scene> {
  const unseen = unseenStyle(library.styles, concept);
  if (split === 'test' && !unseen) return;
  const styles = library.styles.filter((style) => (style === unseen) === (split === 'test'));
  for (let index = 0; index < plan.perClass[split]; index++) {
    const stream = draw(plan.seed, `scenes/class/${split}/${concept.id}`, 0, index);
    yield composeScene(library, stream, {
      concepts: [concept],
      wanted: [{ concept, count: 1 }],
      most: 1,
      size: plan.size,
      kinds: 1,
      styles,
    });
  }
}

/** The style that a class is not seen in before `test`. */
export function unseenStyle(
  styles: readonly EmojiStyle[],
  { id }: SceneConcept,
): EmojiStyle | undefined {
  if (styles.length < 2) return undefined;
  return styles[draw(0, `scenes/unseen-style/${id}`).integer(styles.length)];
}
