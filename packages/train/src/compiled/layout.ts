import { util } from '@tensorflow/tfjs-core';
import type { ParameterGroup, ParameterGroups } from '../optimizer/groups.js';

/** Where a parameter lies in a region. */
export interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
  readonly group: ParameterGroup;
}

/** All parameters in one region, those of a group side by side, those that are frozen at the end. */
export interface Layout {
  readonly length: number;
  /** Values of those that are not frozen: as many moments and gradients there are. */
  readonly trained: number;
  /** By name, in the order of the model. */
  readonly slots: ReadonlyMap<string, Slot>;
  /** By offset. */
  readonly inMemory: readonly Slot[];
}

/**
 * A block of as many values takes no further parameter: AdamW goes over a vector a dozen times, which
 * is a third slower where it is many times larger than a processor's cache.
 */
export const FULL: number = 2 ** 20;

/** Parameters side by side that are updated as one vector. */
export interface Block {
  readonly group: ParameterGroup;
  readonly offset: number;
  readonly length: number;
  /** By offset. */
  readonly names: readonly string[];
}

export function layoutOf(
  parameters: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  groups: ParameterGroups,
  frozen: ReadonlySet<string> = new Set(),
): Layout {
  const byGroup = new Map<string, string[]>();
  const names = Object.keys(parameters);
  for (const name of names.filter((name) => !frozen.has(name))) {
    const key = keyOf(groups[name]!);
    byGroup.set(key, [...(byGroup.get(key) ?? []), name]);
  }
  const stay = names.filter((name) => frozen.has(name));
  let length = 0;
  const inMemory = [...byGroup.values(), stay].flat().map((name): Slot => {
    const { shape } = parameters[name]!;
    const size = util.sizeFromShape([...shape]);
    const slot = { name, shape, offset: length, size, group: groups[name]! };
    length += size;
    return slot;
  });
  const found = new Map(inMemory.map((slot) => [slot.name, slot]));
  const slots = new Map(names.map((name) => [name, found.get(name)!]));
  const trained = stay.length > 0 ? found.get(stay[0]!)!.offset : length;
  return { length, trained, slots, inMemory };
}

/**
 * Blocks that hold the parameters with a gradient and nothing else, those of a block all of one group
 * and with as many updates as each other.
 */
export function blocksOf(
  { inMemory }: Layout,
  reached: ReadonlySet<string>,
  updates: (name: string) => number = () => 0,
): Block[] {
  const blocks: Block[] = [];
  let last:
    | { key: string; end: number; names: string[]; offset: number; group: ParameterGroup }
    | undefined;
  const close = (): void => {
    if (!last) return;
    const { group, offset, end, names } = last;
    blocks.push({ group, offset, length: end - offset, names });
    last = undefined;
  };
  for (const { name, offset, size, group } of inMemory) {
    if (!reached.has(name)) {
      close();
      continue;
    }
    const key = `${keyOf(group)} ${updates(name)}`;
    if (last?.key !== key || last.end - last.offset >= FULL) {
      close();
      last = { key, end: offset, names: [], offset, group };
    }
    last.names.push(name);
    last.end = offset + size;
  }
  close();
  return blocks;
}

/** Whether the parameters of each block have had as many updates as each other. */
export function blocksHold(blocks: readonly Block[], updates: (name: string) => number): boolean {
  return blocks.every(({ names }) => {
    const count = updates(names[0]!);
    return names.every((name) => updates(name) === count);
  });
}

function keyOf({ lrScale, weightDecay }: ParameterGroup): string {
  return `${lrScale} ${weightDecay}`;
}
