import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Processors that a set can name, 8 in a byte. */
const SET_BYTES = 512;

/** The processors on which this process may run, as a bit set. */
export function ownProcessors(): Uint8Array {
  const set = new Uint8Array(SET_BYTES);
  for (const processor of allowedProcessors()) {
    if (processor < 8 * SET_BYTES) set[processor >> 3]! |= 1 << (processor & 7);
  }
  return set;
}

/**
 * Threads for a rank that may run on the processors `own`, when each of them is shared by all ranks of
 * the machine that may run on it: Σ 1 / ranks, rounded down, at least 1.
 */
export function processorShare(own: Uint8Array, all: readonly Uint8Array[]): number {
  let share = 0;
  for (let processor = 0; processor < 8 * own.length; processor++) {
    if (!has(own, processor)) continue;
    share += 1 / all.filter((set) => has(set, processor)).length;
  }
  // 1/3 + 1/3 + 1/3 may be less than 1.
  return Math.max(1, Math.min(availableParallelism(), Math.floor(share + 1e-6)));
}

function has(set: Uint8Array, processor: number): boolean {
  return (set[processor >> 3]! & (1 << (processor & 7))) !== 0;
}

/** Where the system does not say: as many as there are. */
function allowedProcessors(): number[] {
  const list = processorList();
  if (list === undefined) return Array.from({ length: availableParallelism() }, (_, i) => i);
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}

/** Linux only, as `0-3,8`. */
function processorList(): string | undefined {
  try {
    return /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
