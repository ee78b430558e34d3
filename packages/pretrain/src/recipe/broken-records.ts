import type { Communicator } from '@imglish/train';
import type { StreamMix } from '../batches/pretrain-batches.js';
import { type BrokenSample, tooMany } from '../batches/sample-reader.js';

/** A record that a run passed over, as plain JSON. */
export interface BrokenRecord {
  /** The step that first met it. */
  readonly step: number;
  readonly stream: keyof StreamMix;
  /** In the data set of the stream. */
  readonly index: number;
  /** What the error names as its place. */
  readonly where: string;
  readonly message: string;
}

export interface BrokenRecordsOptions {
  communicator: Communicator;
  /** Samples of each stream in a step, of all ranks. */
  perStep: StreamMix;
  /** Records that are passed over before the run ends with an error. */
  most: number;
  /** What the run met before it was interrupted; those of steps that are done again are left out. */
  known?: readonly BrokenRecord[] | undefined;
  /** On rank 0: those that a step met first, of all ranks. */
  onBroken?: ((records: readonly BrokenRecord[]) => void | Promise<void>) | undefined;
}

/** Counts what is passed over, step by step: the same for any number of ranks and interruptions. */
export interface BrokenRecords {
  note(broken: BrokenSample): void;
  /** Tells of a step that is done, on every rank; throws `data/too-many-broken`, on every rank. */
  report(step: number): Promise<void>;
}

/** The same picture is one record, in whichever stream and epoch it is met. */
const keyOf = ({ index, where }: BrokenRecord): string => `${index} ${where}`;

export function brokenRecords(options: BrokenRecordsOptions): BrokenRecords {
  const { communicator, perStep, most, known = [], onBroken } = options;
  const seen = new Set<string>();
  let waiting: BrokenRecord[] = [];
  let isFirst = true;
  return {
    note({ stream, number, index, error }) {
      const step = Math.floor(number / perStep[stream]) + 1;
      waiting.push({ step, stream, index, where: error.where, message: error.message });
    },
    async report(step) {
      const before = isFirst ? known.filter((record) => record.step < step) : [];
      isFirst = false;
      const own = [...before, ...waiting.filter((record) => record.step <= step)];
      waiting = waiting.filter((record) => record.step > step);
      const fresh: BrokenRecord[] = [];
      for (const record of await gathered(communicator, own)) {
        if (seen.has(keyOf(record))) continue;
        seen.add(keyOf(record));
        if (record.step === step) fresh.push(record);
      }
      if (fresh.length === 0) return;
      await onBroken?.(fresh);
      if (seen.size > most) throw tooMany(`${seen.size}`, most, new Error(fresh.at(-1)!.message));
    },
  };
}

/** The records of all ranks, in the same order on each. */
async function gathered(
  communicator: Communicator,
  own: readonly BrokenRecord[],
): Promise<readonly BrokenRecord[]> {
  if (communicator.size === 1) return own;
  const { rank, size } = communicator;
  const bytes = new TextEncoder().encode(
    own.map((record) => `${JSON.stringify(record)}\n`).join(''),
  );
  const lengths = await communicator.allReduce(
    Array.from({ length: size }, (_, i) => (i === rank ? bytes.length : 0)),
  );
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total === 0) return [];
  const before = lengths.slice(0, rank).reduce((sum, length) => sum + length, 0);
  // Each place is one rank's, and 0 with all others: the sum is exact.
  const place = Array.from({ length: total }, (_, i) => bytes[i - before] ?? 0);
  const all = Uint8Array.from(await communicator.allReduce(place));
  const lines = new TextDecoder().decode(all).trimEnd().split('\n');
  return lines.map((line): BrokenRecord => JSON.parse(line));
}
