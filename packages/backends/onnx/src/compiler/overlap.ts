import { BackendError, type CompileOptions, type RegionView } from '@imglish/core';
import type { RunInput } from '../runtime/engine.js';
import { sizeOf } from '../runtime/shape.js';

/**
 * Refuses outputs whose views share values with an input's or with each other's: a run would read what
 * it has already overwritten. Allowed are those of `inPlace`: an output exactly where its first input is,
 * and around the others.
 *
 * @throws BackendError `backend/overlap`
 */
export function refuseOverlaps(
  where: string,
  inputs: Readonly<Record<string, RunInput>>,
  into: Readonly<Record<string, RegionView>>,
  inPlace: NonNullable<CompileOptions['inPlace']>,
): void {
  const outputs = Object.entries(into);
  const views = Object.entries(inputs).filter(
    (each): each is [string, RegionView] => 'region' in each[1],
  );
  outputs.forEach(([output, target], i) => {
    const [whole, ...parts] = [inPlace[output] ?? []].flat();
    for (const [input, view] of views) {
      if (!overlap(target, view)) continue;
      if (input === whole && within(target, view) && within(view, target)) continue;
      if (parts.includes(input) && within(target, view)) continue;
      throw new BackendError({
        code: 'backend/overlap',
        where,
        expected:
          input === whole
            ? `the output '${output}' exactly where the input '${input}' is`
            : `the output '${output}' apart from the input '${input}'`,
        got: `${range(target)} and ${range(view)} of one region`,
        fix: `Only what compile() was given as inPlace may share values.`,
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

function within(outer: RegionView, inner: RegionView): boolean {
  return (
    outer.offset <= inner.offset &&
    inner.offset + sizeOf(inner.shape) <= outer.offset + sizeOf(outer.shape)
  );
}

function range({ offset, shape }: RegionView): string {
  return `values ${offset} to ${offset + sizeOf(shape)}`;
}
