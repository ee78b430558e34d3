import type { PictureFile } from './picture-file.js';

/** A record to be written. */
export interface WrittenRecord {
  /** Nine digits: its number among all. */
  readonly key: string;
  readonly id: string;
  readonly captions: readonly string[];
  readonly picture: PictureFile;
}

/** Writes one shard. */
export interface ShardWriter {
  /** Bytes that the file would have if `record` were added to it, about. */
  sizeWith(record: WrittenRecord): number;
  add(record: WrittenRecord): Promise<void>;
  /** Writes the rest; the sink is closed by its owner. */
  finish(): Promise<void>;
}
