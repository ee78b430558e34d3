import { stem } from 'porter2';

/** A word of the caption that stands for one of the reference. */
export interface Match {
  /** Place in the caption. */
  readonly at: number;
  /** The same word; otherwise another one with the same stem. */
  readonly exact: boolean;
}

export interface WordAlignment {
  /** What each word of the reference is matched with. */
  readonly matches: readonly (Match | undefined)[];
  /** The fewest runs of words that follow each other in both. */
  readonly chunks: number;
}

/** Alignments that are followed at once. */
const BEAM = 40;

/** An alignment of the reference's first words. */
interface Path {
  readonly matches: (Match | undefined)[];
  readonly taken: Set<number>;
  exact: number;
  chunks: number;
  /** Place in the caption after the last match; -1 where the last word has none. */
  end: number;
  distance: number;
}

/**
 * METEOR's alignment of the words of a caption with those of a reference, each with one at most, by the
 * beam search of METEOR 1.5: the most words that are the same (matches of a stem are not counted there),
 * then the fewest chunks, the smallest distance.
 */
export function alignWords(
  caption: readonly string[],
  reference: readonly string[],
): WordAlignment {
  const candidates = matchesOf(caption, reference);
  const uses = new Array<number>(caption.length).fill(0);
  for (const { at } of candidates.flat()) uses[at]!++;
  let paths: Path[] = [
    { matches: [], taken: new Set(), exact: 0, chunks: 0, end: -1, distance: 0 },
  ];
  for (const [place, possible] of candidates.entries()) {
    const next: Path[] = [];
    const [only] = possible;
    const definite = possible.length === 1 && uses[only!.at] === 1;
    for (const path of paths.sort(better).slice(0, BEAM)) {
      for (const match of possible) {
        if (path.taken.has(match.at)) continue;
        const longer = take(path, match);
        const distance = Math.abs(place - match.at);
        // METEOR counts the distance of a match that has rivals for the paths made after its own.
        if (definite) longer.distance += distance;
        else path.distance += distance;
        next.push(longer);
      }
      if (!definite) next.push(skip(path));
    }
    paths = next;
  }
  const [best] = paths.sort(better).slice(0, BEAM).map(closed).sort(better);
  return best!;
}

function matchesOf(caption: readonly string[], reference: readonly string[]): Match[][] {
  const stems = caption.map(stem);
  return reference.map((word) => {
    const places = [...caption.keys()];
    const exact = places.filter((at) => caption[at] === word);
    const stemmed = places.filter((at) => caption[at] !== word && stems[at] === stem(word));
    return [
      ...exact.map((at) => ({ at, exact: true })),
      ...stemmed.map((at) => ({ at, exact: false })),
    ];
  });
}

function better(a: Path, b: Path): number {
  return b.exact - a.exact || a.chunks - b.chunks || a.distance - b.distance;
}

function take(path: Path, match: Match): Path {
  return {
    matches: [...path.matches, match],
    taken: new Set(path.taken).add(match.at),
    exact: path.exact + Number(match.exact),
    chunks: path.chunks + Number(path.end >= 0 && path.end !== match.at),
    end: match.at + 1,
    distance: path.distance,
  };
}

function skip(path: Path): Path {
  return { ...closed(path), matches: [...path.matches, undefined] };
}

function closed(path: Path): Path {
  return { ...path, chunks: path.chunks + Number(path.end >= 0), end: -1 };
}
