import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { PIECE_TYPE, PieceTable } from './piece-table.js';
import { Viterbi } from './viterbi.js';

function table(pieces: readonly (readonly [string, number])[]): PieceTable {
  const texts = ['<unk>', ...pieces.map(([text]) => text)].map((t) => new TextEncoder().encode(t));
  const starts = new Uint32Array(texts.length + 1);
  for (const [i, text] of texts.entries()) starts[i + 1] = starts[i]! + text.length;
  const bytes = new Uint8Array(starts[texts.length]!);
  for (const [i, text] of texts.entries()) bytes.set(text, starts[i]!);
  const types = new Uint8Array(texts.length).fill(PIECE_TYPE.normal);
  types[0] = PIECE_TYPE.unknown;
  return new PieceTable(bytes, starts, Float32Array.from([0, ...pieces.map(([, s]) => s)]), types);
}

describe('Viterbi', () => {
  it('finds the best of all splits', () => {
    const random = draw(3, 'viterbi-test');
    for (let round = 0; round < 200; round++) {
      const scores = new Map<string, number>();
      const alphabet = ['a', 'é', '猫', '🦊'];
      const word = (length: number): string =>
        Array.from({ length }, () => alphabet[random.integer(alphabet.length)]).join('');
      // Eighths add up without rounding, so the best sum is exact in any order.
      for (let i = 0; i < 12; i++) scores.set(word(1 + random.integer(3)), -random.integer(40) / 8);
      const pieces = [...scores];
      const unknown = Math.min(...scores.values()) - 10;
      const best = (characters: string[]): number => {
        if (characters.length === 0) return 0;
        let result = Number.NEGATIVE_INFINITY;
        for (let n = 1; n <= characters.length; n++) {
          const score = scores.get(characters.slice(0, n).join(''));
          const gain = score ?? (n === 1 ? unknown : undefined);
          if (gain !== undefined) result = Math.max(result, gain + best(characters.slice(n)));
        }
        return result;
      };
      const text = word(8);
      const { ids, ends } = new Viterbi(table(pieces)).segment(new TextEncoder().encode(text));
      const sum = ids.reduce((s, id) => s + (id === 0 ? unknown : pieces[id - 1]![1]), 0);
      expect(sum).toBe(best([...text]));
      expect(ends.at(-1)).toBe(new TextEncoder().encode(text).length);
    }
  });
});
