import type { Compiler, Region } from '@imglish/core';
import { nearestBfloat16 } from '../loop/bfloat16.js';
import type { StateSource, ValueSource } from '../loop/contracts.js';
import type { Layout, Slot } from './layout.js';

/** A state in the engine: parameters, their average and moments, each in one region. */
export interface StateRegions {
  readonly parameters: Region;
  /** Laid out as the parameters, in a run that takes an average. */
  readonly average: Region | undefined;
  readonly m: Region;
  readonly v: Region;
  /** Updates of each parameter that has had any. */
  readonly updates: Map<string, number>;
  /** Updates done. */
  step: number;
  /** The first parameter, in the order of the model, that is not finite. */
  notFinite: string | undefined;
}

/** A state, and a region for the gradients of the step under way. */
export interface Regions extends StateRegions {
  /** Without meaning where a parameter has none. */
  readonly gradients: Region;
}

/** Copies a state into new regions. */
export async function openRegions(
  compiler: Compiler,
  layout: Layout,
  state: StateSource,
): Promise<StateRegions> {
  const made: Region[] = [];
  const reserve = async (length: number): Promise<Region> => {
    const region = await compiler.reserve(length);
    made.push(region);
    return region;
  };
  try {
    const regions: StateRegions = {
      parameters: await reserve(layout.length),
      average: state.average && (await reserve(layout.length)),
      m: await reserve(layout.trained),
      v: await reserve(layout.trained),
      updates: new Map(),
      step: state.step,
      notFinite: undefined,
    };
    for (const [name, source] of Object.entries(state.parameters)) {
      const values = await source.read();
      if (!values.every(Number.isFinite)) regions.notFinite ??= name;
      await regions.parameters.write(values, layout.slots.get(name)!.offset);
    }
    for (const [name, source] of Object.entries(state.average ?? {})) {
      await regions.average!.write(await source.read(), layout.slots.get(name)!.offset);
    }
    for (const [name, { step, m, v }] of Object.entries(state.moments)) {
      const { offset } = layout.slots.get(name)!;
      if (offset >= layout.trained) continue; // Frozen since.
      await regions.m.write(await m.read(), offset);
      await regions.v.write(await v.read(), offset);
      regions.updates.set(name, step);
    }
    return regions;
  } catch (error) {
    for (const region of made) await region.dispose();
    throw error;
  }
}

export async function disposeRegions(regions: StateRegions): Promise<void> {
  const { parameters, average, m, v } = regions;
  for (const region of [parameters, average, m, v]) await region?.dispose();
}

/** The state in regions, to be read before they change. */
export function stateIn(regions: StateRegions, layout: Layout, compiler: Compiler): StateSource {
  const slots = [...layout.slots.values()];
  const updated = slots.filter(({ name }) => regions.updates.has(name));
  return {
    step: regions.step,
    compiler: compiler.description,
    parameters: sourcesIn(regions.parameters, slots),
    average: regions.average && sourcesIn(regions.average, slots),
    moments: Object.fromEntries(
      updated.map((slot) => [
        slot.name,
        {
          step: regions.updates.get(slot.name)!,
          m: sourceIn(regions.m, slot),
          v: sourceIn(regions.v, slot),
        },
      ]),
    ),
  };
}

/** Rounds all moments to bfloat16. */
export async function roundMoments({ m, v, updates }: StateRegions, layout: Layout): Promise<void> {
  for (const name of updates.keys()) {
    const { offset, size } = layout.slots.get(name)!;
    for (const region of [m, v]) {
      await region.write(nearestBfloat16(await region.read(offset, size)), offset);
    }
  }
}

/** The first tensor, in the order of the model, that has a value which is not finite. */
export async function firstNotFinite(
  region: Region,
  layout: Layout,
  among: ReadonlySet<string>,
): Promise<string | undefined> {
  for (const { name, offset, size } of layout.slots.values()) {
    if (!among.has(name)) continue;
    if (!(await region.read(offset, size)).every(Number.isFinite)) return name;
  }
  return undefined;
}

function sourcesIn(region: Region, slots: readonly Slot[]): Record<string, ValueSource> {
  return Object.fromEntries(slots.map((slot) => [slot.name, sourceIn(region, slot)]));
}

function sourceIn(region: Region, { shape, offset, size }: Slot): ValueSource {
  return { shape, read: () => region.read(offset, size) };
}
