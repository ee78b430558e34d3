import { BackendError, type RegionView } from '@imglish/core';
import type { RunInput } from '../runtime/engine.js';
import { sizeOf } from '../runtime/shape.js';

/**
 * Refuses outputs whose views share values with an input's or with each other's: a run would read what
 * it has already overwritten. Allowed are pairs of `inPlace` (`{ output: input }`) whose views are the same.
 *
 * @throws BackendError `backend/overlap`
 */
export function refuseOverlaps(
  where: string,
  inputs: Readonly<Record<string, RunInput>>,
  into: Readonly<Record<string, RegionView>>,
  inPlace: Readonly<Record<string, string>>,
): void {
  const outputs = Object.entries(into);
  const views = Object.entries(inputs).filter(
    (each): each is [string, RegionView] => 'region' in each[1],
  );
  outputs.forEach(([output, target], i) => {
    for (const [input, view] of views) {
      if (!overlap(target, view)) continue;
      if (
        inPlace[output] === input &&
        target.offset === view.offset &&
        sizeOf(target.shape) === sizeOf(view.shape)
      )
        continue;
      throw new BackendError({
        code: 'backend/overlap',
        where,
        expected:
          inPlace[output] === input
            ? `the output '${output}' exactly where the input '${input}' is`
            : `the output '${output}' apart from the input '${input}'`,
        got: `${range(target)} and ${range(view)} of one region`,
        fix: `Only a pair that compile() was given as inPlace may share values, and then all of them.`,
      });
    }
    for (const [other, view] of outputs.slice(0, i)) {
      if (!overlap(target, view)) continue;
      throw new BackendError({
        code: 'backend/overlap',
        where,
        expected: `the output '${output}' apart from the output '${other}'`,
        got: `${range(target)} and ${range(view)} of one region`,
      });
    }
  });
}

function overlap(a: RegionView, b: RegionView): boolean {
  return (
    a.region === b.region &&
    a.offset < b.offset + sizeOf(b.shape) &&
    b.offset < a.offset + sizeOf(a.shape)
  );
}

function range({ offset, shape }: RegionView): string {
  return `values ${offset} to ${offset + sizeOf(shape)}`;
}
