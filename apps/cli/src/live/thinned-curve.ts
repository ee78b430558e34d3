/** A curve of bounded size, however many steps there are: neighbours are merged into their mean. */
export interface ThinnedCurve {
  add(step: number, value: number): void;
  /** `[last step, mean]` of each piece, in order. */
  points(): readonly (readonly [number, number])[];
}

interface Piece {
  step: number;
  sum: number;
  count: number;
}

/** @param most Points at most, even. */
export function thinnedCurve(most = 400): ThinnedCurve {
  let pieces: Piece[] = [];
  let size = 1;
  return {
    add(step, value) {
      const last = pieces.at(-1);
      if (last && last.count < size) {
        last.step = step;
        last.sum += value;
        last.count += 1;
        return;
      }
      if (pieces.length >= most) {
        pieces = merged(pieces);
        size *= 2;
      }
      pieces.push({ step, sum: value, count: 1 });
    },
    points: () => pieces.map(({ step, sum, count }) => [step, sum / count] as const),
  };
}

function merged(pieces: readonly Piece[]): Piece[] {
  return Array.from({ length: Math.ceil(pieces.length / 2) }, (_, i) => {
    const [first, second] = pieces.slice(2 * i, 2 * i + 2) as [Piece, Piece | undefined];
    if (!second) return first;
    const sum = first.sum + second.sum;
    return { step: second.step, sum, count: first.count + second.count };
  });
}
