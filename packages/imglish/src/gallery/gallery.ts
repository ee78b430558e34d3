import { ConfigError, DataError, ShapeError } from '@imglish/core';
import type { FeatureMatrix } from '@imglish/tasks';
import { readGallery, writeGallery } from './gallery-files.js';
import { loadIndex, type NewIndex, type VectorIndex } from './vector-index.js';

/** An entry of a gallery and how near it is. */
export interface GalleryMatch {
  id: string;
  /** Cosine of its embedding and the one searched for, −1 … 1. */
  score: number;
}

/** Embeddings under ids, such as paths of images, that are searched by nearness. */
export interface Gallery {
  /** Entries. */
  readonly size: number;
  /** Width of the embeddings; none before the first. */
  readonly width: number | undefined;
  has(id: string): boolean;
  /**
   * Adds embeddings `[ids, D]` under their ids: all of them or, where it throws, none. `save` puts them on
   * disk.
   *
   * Throws DataError `data/duplicate-id`, `data/embedding`; ShapeError `shape/embedding-count`,
   * `shape/embedding-width`.
   */
  add(ids: readonly string[], embeddings: FeatureMatrix): void;
  /**
   * The `k` nearest entries, or all where there are fewer, the nearest first. It is approximate: now and
   * then one of them is missed.
   *
   * Throws ShapeError `shape/embedding-width`, DataError `data/embedding`, ConfigError
   * `config/invalid-value`.
   */
  search(embedding: Float32Array, k: number): GalleryMatch[];
  /**
   * Writes the whole gallery: the folder holds the old one or the new one, never a part. One process
   * writes at a time. Throws ConfigError `config/invalid-value` while it is empty; IoError `io/write`.
   */
  save(): Promise<void>;
}

/**
 * Opens the gallery of a folder, an empty one where there is none. The index is USearch's: HNSW by cosine
 * in float32, which comes built for Linux and macOS.
 *
 * @throws BackendError `backend/unavailable` without USearch; DataError `data/gallery` where the files
 * are damaged or of another version; IoError where they cannot be read.
 */
export async function openGallery(folder: string): Promise<Gallery> {
  const newIndex = await loadIndex();
  return new UsearchGallery(folder, newIndex, await readGallery(folder, newIndex));
}

class UsearchGallery implements Gallery {
  readonly #folder: string;
  readonly #newIndex: NewIndex;
  readonly #ids: string[];
  readonly #known: Set<string>;
  #index: VectorIndex | undefined;

  constructor(
    folder: string,
    newIndex: NewIndex,
    content: { ids: readonly string[]; index: VectorIndex } | undefined,
  ) {
    this.#folder = folder;
    this.#newIndex = newIndex;
    this.#ids = [...(content?.ids ?? [])];
    this.#known = new Set(this.#ids);
    this.#index = content?.index;
  }

  get size(): number {
    return this.#ids.length;
  }

  get width(): number | undefined {
    return this.#index?.dimensions();
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  add(ids: readonly string[], { dims: [rows, width], data }: FeatureMatrix): void {
    const where = 'Gallery.add';
    if (rows !== ids.length || data.length !== rows * width) {
      throw new ShapeError({
        code: 'shape/embedding-count',
        where,
        expected: `an embedding for each of ${ids.length} ids`,
        got: `[${rows}, ${width}] with ${data.length} values`,
      });
    }
    const added = new Set<string>();
    for (const id of ids) {
      if (this.#known.has(id) || added.has(id)) duplicate(id);
      added.add(id);
    }
    if (rows === 0) return;
    this.#check(where, data, width);
    this.#index ??= this.#newIndex(width);
    const first = this.size;
    const keys = BigUint64Array.from(ids, (_, i) => BigInt(first + i));
    // One thread: the same entries give the same index.
    this.#index.add(keys, data, 1);
    this.#ids.push(...ids);
    for (const id of ids) this.#known.add(id);
  }

  search(embedding: Float32Array, k: number): GalleryMatch[] {
    const where = 'Gallery.search';
    if (!(Number.isSafeInteger(k) && k > 0)) {
      const expected = 'k to be a positive integer';
      throw new ConfigError({ code: 'config/invalid-value', where, expected, got: String(k) });
    }
    if (!this.#index) return [];
    this.#check(where, embedding, embedding.length);
    const { keys, distances } = this.#index.search(embedding, Math.min(k, this.size), 1);
    return [...keys].map((key, i) => ({ id: this.#ids[Number(key)]!, score: 1 - distances[i]! }));
  }

  async save(): Promise<void> {
    const [ids, index] = [this.#ids, this.#index];
    if (!index) {
      throw new ConfigError({
        code: 'config/invalid-value',
        where: 'Gallery.save',
        expected: 'a gallery with an entry',
        got: 'an empty one',
      });
    }
    await writeGallery(this.#folder, { ids, width: index.dimensions(), index });
  }

  /** Rows must have a direction, and the gallery's width. */
  #check(where: string, data: Float32Array, width: number): void {
    const expectedWidth = this.width ?? width;
    if (width !== expectedWidth || width === 0) {
      throw new ShapeError({
        code: 'shape/embedding-width',
        where,
        expected: `embeddings of width ${expectedWidth || 'at least 1'}`,
        got: `${width}`,
        fix: 'One model makes all embeddings of a gallery.',
      });
    }
    for (let from = 0; from < data.length; from += width) {
      const norm = Math.hypot(...data.subarray(from, from + width));
      if (norm > 0 && Number.isFinite(norm)) continue;
      const [expected, got] = ['an embedding with a direction', `one of length ${norm}`];
      throw new DataError({ code: 'data/embedding', where, expected, got });
    }
  }
}

function duplicate(id: string): never {
  throw new DataError({
    code: 'data/duplicate-id',
    where: 'Gallery.add',
    expected: 'ids that the gallery does not have',
    got: JSON.stringify(id),
    fix: 'Ask has(id) first.',
  });
}
