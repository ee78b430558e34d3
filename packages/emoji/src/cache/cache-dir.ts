import { homedir } from 'node:os';
import path from 'node:path';

/**
 * Where renders are kept unless an option says otherwise: `imglish` in the operating system's
 * folder for caches (`$XDG_CACHE_HOME` or `~/.cache`, `~/Library/Caches`, `%LOCALAPPDATA%`).
 */
export function defaultCacheDir(): string {
  const { platform, env } = process;
  const home = homedir();
  if (platform === 'win32') {
    return path.join(env.LOCALAPPDATA ?? path.join(home, 'AppData', 'Local'), 'imglish', 'Cache');
  }
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches', 'imglish');
  return path.join(env.XDG_CACHE_HOME || path.join(home, '.cache'), 'imglish');
}
