import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, ImglishError, IoError } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import type { NewIndex, VectorIndex } from './vector-index.js';

const MANIFEST = 'gallery.json';
const INDEX = /^index-(\d+)\.usearch$/;
const VERSION = 1;

/** What a gallery consists of; the embedding of `ids[key]` is under `key` in the index. */
export interface GalleryContent {
  readonly ids: readonly string[];
  readonly width: number;
  readonly index: VectorIndex;
}

interface Manifest {
  version: number;
  width: number;
  index: { file: string; sha256: string };
  ids: string[];
}

/** What a folder holds, if it holds a gallery. Throws `data/gallery`, `io/read`. */
export async function readGallery(
  folder: string,
  newIndex: NewIndex,
): Promise<GalleryContent | undefined> {
  const text = await bytesOf(folder, MANIFEST).catch((error: unknown) => {
    if (ImglishError.isInstance(error) && error.code === 'io/not-found') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const { ids, width, index: stored } = manifestOf(folder, new TextDecoder().decode(text));
  const bytes = await bytesOf(folder, stored.file);
  // The library trusts what it loads: damaged bytes must not reach it.
  if (sha256(bytes) !== stored.sha256) damaged(folder, stored.file);
  const index = newIndex(width);
  index.load(join(folder, stored.file));
  if (index.size() !== ids.length || index.dimensions() !== width) damaged(folder, stored.file);
  return { ids, width, index };
}

/**
 * Writes the index beside the one that is there, then the manifest, which names it: only then is the new
 * one the gallery. Earlier indexes are removed.
 */
export async function writeGallery(
  folder: string,
  { ids, width, index }: GalleryContent,
): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    const earlier = (await readdir(folder)).filter((name) => INDEX.test(name));
    const numbers = earlier.map((name) => Number(INDEX.exec(name)![1]));
    const file = `index-${Math.max(0, ...numbers) + 1}.usearch`;
    const path = join(folder, file);
    index.save(path);
    await flush(path);
    const manifest: Manifest = {
      version: VERSION,
      width,
      index: { file, sha256: sha256(await readFile(path)) },
      ids: [...ids],
    };
    const sink = await fileDirectory(folder).create(MANIFEST);
    await sink.write(new TextEncoder().encode(JSON.stringify(manifest)));
    await sink.close();
    for (const name of earlier) await rm(join(folder, name), { force: true });
  } catch (cause) {
    if (ImglishError.isInstance(cause)) throw cause;
    const expected = `to write a gallery into ${folder}`;
    const got = (cause as Error).message;
    throw new IoError({ code: 'io/write', where: 'Gallery.save', expected, got, cause });
  }
}

function manifestOf(folder: string, text: string): Manifest {
  let json: Partial<Manifest> | null;
  try {
    json = JSON.parse(text) as Partial<Manifest> | null;
  } catch {
    return damaged(folder, MANIFEST);
  }
  if (json?.version !== VERSION) {
    return damaged(folder, MANIFEST, `version ${VERSION}`, `version ${json?.version}`);
  }
  const { width, index, ids } = json;
  const valid =
    Number.isSafeInteger(width) &&
    (width as number) > 0 &&
    INDEX.test(index?.file ?? '') &&
    Array.isArray(ids) &&
    ids.every((id) => typeof id === 'string') &&
    new Set(ids).size === ids.length;
  return valid ? (json as Manifest) : damaged(folder, MANIFEST);
}

async function bytesOf(folder: string, file: string): Promise<Uint8Array> {
  const source = await fileDirectory(folder).open(file);
  try {
    return await source.read(0, source.size);
  } finally {
    await source.close?.();
  }
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function damaged(
  folder: string,
  file: string,
  expected = 'what a gallery wrote',
  got = 'other content',
): never {
  throw new DataError({
    code: 'data/gallery',
    where: 'openGallery',
    expected: `${expected} in ${join(folder, file)}`,
    got,
    fix: 'Make the gallery anew from its images.',
  });
}
