import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is removed after `use`, and also when the process is told to end: it gets large. */
export async function inTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'imglish-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const end = (): never => process.exit(1);
  process.once('exit', remove);
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  try {
    return await use(folder);
  } finally {
    remove();
    process.off('exit', remove);
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
}
