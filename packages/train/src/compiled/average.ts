import type { Compiled, Region, RegionView } from '@imglish/core';
import type { Scalar } from '@tensorflow/tfjs-core';
import type { Batch } from '../loop/contracts.js';
import { emaDecay, towards } from '../optimizer/average.js';
import { inPlaceOf } from './block-inputs.js';
import { compileFor, hostScalar } from './functions.js';
import { FULL } from './layout.js';
import type { UpdateContext } from './update.js';

/** Moves the average of the parameters in its region; nothing is done in a run without one. */
export interface AverageUpdate {
  /** After update t. */
  run(t: number): Promise<void>;
  dispose(): Promise<void>;
}

export function averageUpdate<B extends Batch>({
  settings: { ema },
  compiler,
  layout,
  regions,
}: UpdateContext<B>): AverageUpdate {
  let compiled: Promise<Compiled> | undefined;
  return {
    async run(t) {
      if (!ema || !regions.average) return;
      const into = views(regions.average, 'a', layout.length);
      const inputs = {
        ...into,
        ...views(regions.parameters, 'p', layout.length),
        rate: hostScalar(1 - emaDecay(ema, t)),
      };
      compiled ??= compileFor(compiler, 'train average', inputs, inPlaceOf(into), (given) => {
        const moved = Object.keys(into).map((name) => {
          const parameter = given[name.replace('a', 'p')]!;
          return [name, towards(given[name]!, parameter, given.rate as Scalar)] as const;
        });
        return Object.fromEntries(moved);
      });
      await (await compiled).run(inputs, { into });
    },
    async dispose() {
      await (await compiled)?.dispose();
    },
  };
}

/** A region as vectors that fit a processor's cache: `a.0`, `a.1`, … */
function views(region: Region, name: string, length: number): Record<string, RegionView> {
  const count = Math.ceil(length / FULL);
  const parts = Array.from({ length: count }, (_, k) => {
    const offset = k * FULL;
    return [`${name}.${k}`, region.view(offset, [Math.min(FULL, length - offset)])] as const;
  });
  return Object.fromEntries(parts);
}
