import { DataError } from '@imglish/core';
import { defaultShares, splitOf } from '@imglish/data';
import type { EmojiGroup, EmojiLanguage } from '../styles.js';
import { clusterConcepts } from './clusters.js';

/** One thing that emoji show, whatever the style: a red apple, a woman running. */
export interface EmojiConcept {
  /** Code points in upper-case hexadecimal, joined by `-`, as emojibase writes them. */
  readonly id: string;
  /** The characters. */
  readonly emoji: string;
  readonly group: EmojiGroup;
  /** Key of emojibase's finer grouping, e.g. `food-fruit`. */
  readonly subgroup: string;
  readonly label: Readonly<Record<EmojiLanguage, string>>;
  readonly tags: Readonly<Record<EmojiLanguage, readonly string[]>>;
  /** The `id` of the first concept of its cluster: concepts that could be taken for each other. */
  readonly cluster: string;
  /** Follows the cluster: no cluster is in two splits. */
  readonly split: 'train' | 'validation' | 'test';
}

/** An entry of emojibase's `data.json`. */
export interface EmojibaseEntry {
  readonly hexcode: string;
  readonly emoji: string;
  readonly label: string;
  readonly tags?: readonly string[];
  /** Absent for the 26 regional indicators. */
  readonly group?: number;
  readonly subgroup?: number;
}

/** The parts of emojibase that a catalogue is made of. */
export interface Emojibase {
  readonly en: readonly EmojibaseEntry[];
  readonly zh: readonly EmojibaseEntry[];
  /** `meta/groups.json`: names of the groups and subgroups by number. */
  readonly groups: {
    readonly groups: Readonly<Record<string, string>>;
    readonly subgroups: Readonly<Record<string, string>>;
  };
}

/** Emojibase's group of skin tones and hair styles, which are no pictures of their own. */
const COMPONENTS = 2;

/**
 * The concepts of emojibase in the order of its keyboard, without components, regional indicators
 * and skin tones.
 *
 * @throws DataError `data/emojibase` where an entry lacks its Chinese counterpart or its group.
 */
export function buildCatalogue(emojibase: Emojibase): EmojiConcept[] {
  const chinese = new Map(emojibase.zh.map((entry) => [entry.hexcode, entry]));
  const entries = emojibase.en.filter(({ group }) => group !== undefined && group !== COMPONENTS);
  const clusters = clusterConcepts(entries.map(({ hexcode, label }) => ({ id: hexcode, label })));
  return entries.map((en, index) => {
    const zh = chinese.get(en.hexcode);
    const group = emojibase.groups.groups[String(en.group)];
    const subgroup = emojibase.groups.subgroups[String(en.subgroup)];
    if (!zh || group === undefined || subgroup === undefined) {
      throw new DataError({
        code: 'data/emojibase',
        where: 'buildCatalogue',
        expected: `a Chinese entry, a group and a subgroup for ${en.label} (${en.hexcode})`,
        got: `${zh?.label}, ${group}, ${subgroup}`,
        fix: 'All parts must come from the same version of emojibase-data.',
      });
    }
    const cluster = clusters[index]!;
    return {
      id: en.hexcode,
      emoji: en.emoji,
      group: group as EmojiGroup,
      subgroup,
      label: { en: en.label, zh: zh.label },
      tags: { en: en.tags ?? [], zh: zh.tags ?? [] },
      cluster,
      split: splitOf(cluster, defaultShares),
    };
  });
}
