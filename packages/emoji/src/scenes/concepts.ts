import { ConfigError, draw } from '@imglish/core';
import type { EmojiConcept } from '../catalogue/catalogue.js';
import table from './scene-concepts.json';

/** What kind of thing a concept is. */
export type SceneKind = 'animal' | 'plant' | 'food' | 'vehicle' | 'place' | 'sky' | 'thing';

/** A thing that scenes are made of, and its words. */
export interface SceneConcept {
  /** The concept's id in the catalogue. */
  readonly id: string;
  /** What people call one of them: `palm tree`. */
  readonly noun: string;
  readonly plural: string;
  readonly kind: SceneKind;
  readonly zh: string;
  /** The Chinese measure word: `棵`. */
  readonly measure: string;
  /** Whether it is in the split `test-concepts`, and no other. */
  readonly unseen: boolean;
}

/**
 * The concepts of scenes: common things with a name of their own that can be told apart at 15 pixels
 * in every style, no name being a broader word for another. Those that the catalogue keeps from
 * training (`split`) are `unseen` here too.
 *
 * @param choice how many (the same ones for the same number), or nouns or ids.
 * @throws ConfigError `config/option` for a number or name that there is not.
 */
export function sceneConcepts(
  catalogue: readonly EmojiConcept[],
  choice?: number | readonly string[],
): SceneConcept[] {
  const splits = new Map(catalogue.map(({ id, split }) => [id, split]));
  const all = table.map((row) => ({
    ...(row as Omit<SceneConcept, 'unseen'>),
    unseen: splits.get(row.id) !== 'train',
  }));
  if (choice === undefined) return all;
  if (typeof choice !== 'number') return named(all, choice);
  if (!Number.isInteger(choice) || choice < FEWEST || choice > all.length) {
    throw new ConfigError({
      code: 'config/option',
      where: 'sceneConcepts',
      expected: `${FEWEST} … ${all.length} concepts`,
      got: String(choice),
    });
  }
  const rank = (id: string): number => draw(0, `scenes/concept/${id}`).uniform();
  const kept = new Set(
    [true, false].flatMap((unseen) => {
      const part = all.filter((concept) => concept.unseen === unseen);
      const share = Math.round((choice * part.length) / all.length);
      return part.sort((a, b) => rank(a.id) - rank(b.id)).slice(0, share);
    }),
  );
  return all.filter((concept) => kept.has(concept));
}

/** Fewer concepts would leave too few combinations to hold some out. */
const FEWEST = 24;

function named(all: readonly SceneConcept[], names: readonly string[]): SceneConcept[] {
  const chosen = new Set(
    names.map((name) => {
      const concept = all.find(({ id, noun }) => name === id || name === noun);
      if (concept) return concept;
      throw new ConfigError({
        code: 'config/option',
        where: 'sceneConcepts',
        expected: `concepts among ${all.map(({ noun }) => noun).join(', ')}`,
        got: name,
      });
    }),
  );
  if (chosen.size >= FEWEST) return all.filter((concept) => chosen.has(concept));
  throw new ConfigError({
    code: 'config/option',
    where: 'sceneConcepts',
    expected: `at least ${FEWEST} concepts`,
    got: String(chosen.size),
  });
}
