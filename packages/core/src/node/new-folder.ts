import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { IoError } from '../errors/errors.js';
import { isAlive } from './is-alive.js';

/** A folder that is being filled; nobody sees it at its place before it is whole. */
export interface NewFolder {
  /** Where to write. */
  readonly path: string;
  /** Brings it to its place. */
  finish(): Promise<void>;
  /** Removes what was written. */
  abort(): Promise<void>;
}

/**
 * Begins a folder beside its place, to be filled and renamed; removes what killed processes left of
 * earlier attempts. Rejects with `io/exists` where `target` has entries, with `io/write`.
 */
export async function newFolder(where: string, target: string): Promise<NewFolder> {
  await requireNewFolder(where, target);
  const partial = await startPartial(where, path.resolve(target));
  const abort = () => rm(partial, { recursive: true, force: true });
  return {
    path: partial,
    async finish(): Promise<void> {
      try {
        await rename(partial, target);
      } catch (cause) {
        await abort();
        throw existsError(where, target, (cause as NodeJS.ErrnoException).code ?? '', cause);
      }
    },
    abort,
  };
}

/** Rejects with `io/exists` unless `target` is an empty folder, or nothing. */
export async function requireNewFolder(where: string, target: string): Promise<void> {
  const entries = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw existsError(where, target, error.code ?? String(error), error);
  });
  if (entries.length > 0) throw existsError(where, target, `${entries.length} entries`);
}

function existsError(where: string, target: string, got: string, cause?: unknown): IoError {
  return new IoError({
    code: 'io/exists',
    where,
    expected: `${target} to be a new or an empty folder`,
    got,
    fix: 'Name another folder.',
    cause,
  });
}

async function startPartial(where: string, target: string): Promise<string> {
  const parent = path.dirname(target);
  const begin = `.${path.basename(target)}.${hostname()}-`;
  try {
    await mkdir(parent, { recursive: true });
    for (const entry of await readdir(parent)) {
      const pid = entry.startsWith(begin) && /^(\d+)\.partial$/.exec(entry.slice(begin.length));
      if (pid && !isAlive(Number(pid[1]))) {
        await rm(path.join(parent, entry), { recursive: true, force: true });
      }
    }
    const partial = path.join(parent, `${begin}${process.pid}.partial`);
    await mkdir(partial);
    return partial;
  } catch (cause) {
    throw new IoError({
      code: 'io/write',
      where,
      expected: `to make a folder beside ${target}`,
      got: (cause as NodeJS.ErrnoException).code ?? String(cause),
      cause,
    });
  }
}
