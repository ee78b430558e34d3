import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { RENDER_TIMEOUT, testCacheDir } from '../../test/cache-dir.js';
import { kinds } from '../captions/kinds.js';
import { loadCatalogue } from '../packages.js';
import { loadRenders } from '../render/renders.js';
import { emojiGroups, emojiStyles } from '../styles.js';
import { buildCatalogue, type EmojiConcept } from './catalogue.js';
import { disjointSets } from './clusters.js';
import { findLookalikes, LOOKALIKE_TOLERANCE, type Renders } from './lookalikes.js';

let catalogue: EmojiConcept[];
let renders: Renders[];

beforeAll(async () => {
  catalogue = await loadCatalogue();
  renders = await Promise.all(
    emojiStyles.map((style) => loadRenders(style, catalogue, { cacheDir: testCacheDir })),
  );
}, RENDER_TIMEOUT);

const concept = (label: string): EmojiConcept =>
  catalogue.find((candidate) => candidate.label.en === label)!;
const count = (split: string): number => catalogue.filter((c) => c.split === split).length;

describe('the catalogue', () => {
  it('has 1,914 concepts, in both languages, of nine groups', () => {
    expect(catalogue.length).toBe(1914);
    expect(new Set(catalogue.map(({ id }) => id)).size).toBe(1914);
    for (const { label, tags, group, subgroup } of catalogue) {
      expect(label.en && label.zh && tags.en[0] && tags.zh[0]).toBeTruthy();
      expect(emojiGroups).toContain(group);
      expect(kinds).toHaveProperty([subgroup]);
    }
    expect(Object.keys(kinds).length).toBe(new Set(catalogue.map((c) => c.subgroup)).size);
  });

  it('is drawn by the styles as often as the packages draw it', () => {
    expect(renders.map(({ ids }) => ids.length)).toEqual([1653, 1914, 1914, 1595]);
  });

  it('refuses parts that do not belong together', () => {
    const en = [{ hexcode: '1F34E', emoji: '🍎', label: 'red apple', group: 4, subgroup: 0 }];
    const groups = { groups: { 4: 'food-drink' }, subgroups: { 0: 'food-fruit' } };
    expect(buildCatalogue({ en, zh: en, groups })[0]?.group).toBe('food-drink');
    expect(() => buildCatalogue({ en, zh: [], groups })).toThrow('red apple');
  });
});

describe('clusters', () => {
  it('unite variants of gender and direction, and lookalikes, and nothing else', () => {
    const together = (...labels: string[]): void => {
      expect(new Set(labels.map((label) => concept(label).cluster)).size, labels.join()).toBe(1);
    };
    const apart = (...labels: string[]): void => {
      expect(new Set(labels.map((label) => concept(label).cluster)).size, labels.join()).toBe(
        labels.length,
      );
    };
    together('person running', 'man running', 'woman running: facing right');
    together('merperson', 'mermaid', 'merman');
    together('older person', 'old man', 'old woman');
    together('left arrow', 'up-right arrow');
    together('thumbs up', 'thumbs down');
    together('one o’clock', 'six-thirty');
    together('flag: Norway', 'flag: Svalbard & Jan Mayen');
    apart('red apple', 'green apple', 'tomato', 'red heart', 'blue heart');
    apart('dog', 'wolf', 'cat', 'flag: Germany', 'flag: Belgium', 'man running', 'man walking');
  });

  // Code points alone (gender signs, man and woman, facing right) and lookalikes give 1,622; labels,
  // directions of arrows and hands, and pairs such as prince and princess unite 33 more.
  it('number 1,589 and are split 80 : 10 : 10', () => {
    const clusters = new Map(catalogue.map((c) => [c.cluster, c.split]));
    const splits = [...clusters.values()];
    expect(clusters.size).toBe(1589);
    expect(
      ['train', 'validation', 'test'].map((s) => splits.filter((split) => split === s).length),
    ).toEqual([1267, 158, 164]);
    expect([count('train'), count('validation'), count('test')]).toEqual([1516, 189, 209]);
  });

  it('are whole: no cluster is in two splits', () => {
    const splits = new Map<string, Set<string>>();
    for (const { cluster, split } of catalogue) {
      splits.set(cluster, (splits.get(cluster) ?? new Set()).add(split));
    }
    expect([...splits.values()].every((members) => members.size === 1)).toBe(true);
  });

  it('contain every pair of drawings that are alike in some style', () => {
    const byId = new Map(catalogue.map((c) => [c.id, c]));
    for (const group of renders.flatMap((style) => findLookalikes(style, LOOKALIKE_TOLERANCE))) {
      expect(new Set(group.map((id) => byId.get(id)!.cluster)).size, group.join(' ')).toBe(1);
      expect(new Set(group.map((id) => byId.get(id)!.split)).size, group.join(' ')).toBe(1);
    }
  });

  // `vitest -u` writes the table anew after a change of packages or of the tolerance.
  it('are built on a table of lookalikes that is the one of the drawings', async () => {
    const position = new Map(catalogue.map(({ id }, index) => [id, index]));
    const sets = disjointSets(catalogue.length);
    for (const group of renders.flatMap((style) => findLookalikes(style, LOOKALIKE_TOLERANCE))) {
      for (const id of group) sets.unite(position.get(group[0]!)!, position.get(id)!);
    }
    const groups = catalogue.map((_, index) =>
      catalogue.flatMap(({ id }, other) => (sets.find(other) === index ? [id] : [])),
    );
    const table = groups.filter((group) => group.length > 1).map((group) => group.join(' '));
    await expect(`${JSON.stringify(table, null, 2)}\n`).toMatchFileSnapshot(
      fileURLToPath(new URL('lookalikes.json', import.meta.url)),
    );
  });
});
