import { readFileSync } from 'node:fs';
import { mkdir, open, readFile, rmdir, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { TrainError } from '@imglish/core';
import { isAlive } from '@imglish/core/node';

/** Who holds a lock. */
interface Holder {
  host: string;
  pid: number;
  /** When that process began, in the system's own units: a pid alone may be used again. */
  born?: string | undefined;
}

/** A process that takes over a dead one's lock needs milliseconds; after this long it is dead too. */
const TAKEOVER_MS = 10_000;

/**
 * Takes the lock file `path` for this process; the returned function gives it back. The lock of a
 * process of this host that is dead is taken over.
 *
 * @throws TrainError `train/locked` while another process holds it.
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const me: Holder = { host: hostname(), pid: process.pid, born: birthOf(process.pid) };
  while (!(await create(path, JSON.stringify(me)))) {
    const holder = await readHolder(path);
    if (holder === 'absent') continue;
    if (holder !== 'unreadable' && holds(holder)) throw locked(path, holder);
    await removeStale(path);
  }
  return async () => {
    await unlink(path).catch(ignoreMissing);
  };
}

async function create(path: string, text: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes the lock of a dead process. Only the one process that has made the folder beside it may do
 * so, and it looks again first: otherwise the second of two could remove the fresh lock of the first.
 */
async function removeStale(path: string): Promise<void> {
  const guard = `${path}.takeover`;
  try {
    await mkdir(guard);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const age = await stat(guard).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > TAKEOVER_MS) await rmdir(guard).catch(ignoreMissing);
    await setTimeout(20);
    return;
  }
  try {
    const holder = await readHolder(path);
    if (holder === 'absent') return;
    if (holder === 'unreadable' || !holds(holder)) await unlink(path).catch(ignoreMissing);
  } finally {
    await rmdir(guard).catch(ignoreMissing);
  }
}

/** The holder; unreadable where it died before it had written its name. */
async function readHolder(path: string): Promise<Holder | 'absent' | 'unreadable'> {
  for (let attempt = 0; ; attempt++) {
    try {
      const holder = JSON.parse(await readFile(path, 'utf8'));
      if (Number.isInteger(holder?.pid) && typeof holder.host === 'string') return holder;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return 'absent';
      if (!(error instanceof SyntaxError)) throw error;
    }
    // It may be writing at this moment.
    if (attempt === 10) return 'unreadable';
    await setTimeout(20);
  }
}

/** Processes of other hosts count as alive: nobody here can tell. */
function holds({ host, pid, born }: Holder): boolean {
  if (host !== hostname()) return true;
  if (!isAlive(pid)) return false;
  const now = birthOf(pid);
  return born === undefined || now === undefined || born === now;
}

/** Linux: start time in clock ticks since boot, field 22 of /proc/PID/stat. */
function birthOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function locked(path: string, { host, pid }: Holder): TrainError {
  return new TrainError({
    code: 'train/locked',
    where: 'openRun',
    expected: `a run that no other process writes`,
    got: `${path} held by process ${pid} on ${host}`,
    fix: `Wait for it to end or use another folder; if it is gone for good, delete ${path}.`,
  });
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
