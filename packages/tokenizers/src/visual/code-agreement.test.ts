import { expect, it } from 'vitest';
import { codeAgreement } from './code-agreement.js';

const codes = (...rows: number[][]) => rows.map((row) => Int32Array.from(row));

it('counts equal codes at the same place, of partners and of others', () => {
  const first = codes([1, 5], [2, 5], [3, 6]);
  const second = codes([1, 5], [2, 7], [1, 5]);
  // Partners: 1 and 5; 2; none. Others, of 12: 1 with the third's, 5 with the third's, 5 with the
  // first's and the third's.
  expect(codeAgreement(first, second)).toEqual({
    pairs: 3,
    agreement: 3 / 6,
    chance: 4 / 12,
  });
});

it('refuses what cannot be compared', () => {
  for (const [a, b] of [
    [codes([1]), codes([1])],
    [codes([1], [2]), codes([1])],
    [codes([1], [2]), codes([1], [2, 3])],
    [codes([], []), codes([], [])],
  ] as const) {
    expect(() => codeAgreement(a, b)).toThrow(
      expect.objectContaining({ code: 'tokenizer/code-pairs' }),
    );
  }
});
