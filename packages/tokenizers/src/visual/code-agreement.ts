import { TokenizerError } from '@imglish/core';

/** How often two pictures of the same thing are read as the same codes, place by place. */
export interface CodeAgreement {
  pairs: number;
  /** Share of places where the codes of a pair are equal. */
  agreement: number;
  /** The same for the first picture of a pair beside the second of every other: what place alone tells. */
  chance: number;
}

/**
 * Compares the codes of pictures `first[i]` and `second[i]`, of one grid. Throws `tokenizer/code-pairs`
 * for fewer than two pairs, or codes of different numbers.
 */
export function codeAgreement(
  first: readonly Int32Array[],
  second: readonly Int32Array[],
): CodeAgreement {
  const pairs = first.length;
  const places = first[0]?.length ?? 0;
  const even = [...first, ...second].every(({ length }) => length === places);
  if (pairs < 2 || second.length !== pairs || places === 0 || !even) {
    throw new TokenizerError({
      code: 'tokenizer/code-pairs',
      where: 'codeAgreement',
      expected: 'at least two pairs of pictures with equally many codes',
      got: `${pairs} and ${second.length} pictures`,
    });
  }
  let same = 0;
  let crossed = 0;
  for (let place = 0; place < places; place++) {
    const uses = new Map<number, number>();
    for (const codes of second) uses.set(codes[place]!, (uses.get(codes[place]!) ?? 0) + 1);
    for (let i = 0; i < pairs; i++) {
      const code = first[i]![place]!;
      const own = code === second[i]![place] ? 1 : 0;
      same += own;
      crossed += (uses.get(code) ?? 0) - own;
    }
  }
  const total = pairs * places;
  return { pairs, agreement: same / total, chance: crossed / (total * (pairs - 1)) };
}
