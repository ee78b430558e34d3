import type { RegionView } from '@imglish/core';
import { stepFactors } from '../optimizer/adamw-update.js';
import { hostScalar, type InPlace, type RunInputs } from './functions.js';
import type { Block } from './layout.js';
import type { Regions } from './regions.js';

type Views = Record<string, RegionView>;

/** `p.K`, `m.K` and `v.K` of each block, which an update reads and writes. */
export function stateViews(regions: Regions, blocks: readonly Block[]): Views {
  const views: Views = {};
  blocks.forEach(({ offset, length }, k) => {
    views[`p.${k}`] = regions.parameters.view(offset, [length]);
    views[`m.${k}`] = regions.m.view(offset, [length]);
    views[`v.${k}`] = regions.v.view(offset, [length]);
  });
  return views;
}

/** Each of the `views` is written over; `p.K` over the parameters in their shapes too. */
export function inPlaceOf(views: Views, blocks: readonly Block[] = []): InPlace {
  const over: Record<string, [string, ...string[]]> = {};
  for (const name of Object.keys(views)) over[name] = [name];
  blocks.forEach(({ names }, k) => {
    over[`p.${k}`]!.push(...names.map((name) => `parameter.${name}`));
  });
  return over;
}

/** `g.K` of each block. */
export function gradientViews(regions: Regions, blocks: readonly Block[]): Views {
  const views = blocks.map(({ offset, length }, k) => {
    return [`g.${k}`, regions.gradients.view(offset, [length])] as const;
  });
  return Object.fromEntries(views);
}

export interface UpdateSettings {
  lr: number;
  beta1: number;
  beta2: number;
  maxGradientNorm: number | undefined;
}

/** `decay.K`, `rate.K` and `root.K` of each block, and `limit`. */
export function updateScalars(
  { updates }: Regions,
  blocks: readonly Block[],
  { lr, beta1, beta2, maxGradientNorm }: UpdateSettings,
): RunInputs {
  const scalars: Record<string, RunInputs[string]> = {};
  blocks.forEach(({ group, names }, k) => {
    const step = (updates.get(names[0]!) ?? 0) + 1;
    const factors = stepFactors({
      lr: lr * group.lrScale,
      weightDecay: group.weightDecay,
      bias1: 1 - beta1 ** step,
      bias2: 1 - beta2 ** step,
    });
    for (const [name, factor] of Object.entries(factors)) {
      scalars[`${name}.${k}`] = hostScalar(factor);
    }
  });
  if (maxGradientNorm !== undefined) scalars.limit = hostScalar(maxGradientNorm);
  return scalars;
}
