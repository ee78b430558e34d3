import { readFileSync } from 'node:fs';

/**
 * Whether a process of this machine is running, anybody's. One that has ended and is only still listed,
 * as its parent has not asked for it (a zombie), is not.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return stateOf(pid) !== 'Z';
}

/** Linux: field 3 of /proc/PID/stat, behind a name that may contain anything. */
function stateOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.charAt(text.lastIndexOf(')') + 2);
  } catch {
    return undefined;
  }
}
