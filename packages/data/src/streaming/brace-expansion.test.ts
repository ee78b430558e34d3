import { describe, expect, it } from 'vitest';
import { expandBraces } from './brace-expansion.js';

describe('expandBraces', () => {
  it.each([
    ['a.tar', ['a.tar']],
    ['{8..11}.tar', ['8.tar', '9.tar', '10.tar', '11.tar']],
    ['x/{008..010}.tar', ['x/008.tar', 'x/009.tar', 'x/010.tar']],
    ['{3..1}', ['3', '2', '1']],
    ['{a,b}-{0..1}', ['a-0', 'a-1', 'b-0', 'b-1']],
    ['{t{0..1},val}.tar', ['t0.tar', 't1.tar', 'val.tar']],
    ['{,x}y', ['y', 'xy']],
  ])('expands %s', (pattern, names) => {
    expect(expandBraces(pattern)).toEqual(names);
  });

  it.each(['{0..3', '0..3}.tar', '}a{', '{a}', '{0..9999999}', '{0..9999}{0..9999}'])(
    'refuses %s',
    (pattern) => {
      expect(() => expandBraces(pattern)).toThrow(
        expect.objectContaining({ code: 'config/shard-pattern' }),
      );
    },
  );
});
