import { type Backend, BackendError } from '@imglish/core';

/** A backend that may be there. */
export interface Candidate {
  name: string;
  /** Fails when its package or its device is absent. */
  open: () => Promise<Backend>;
}

/** What became of a candidate; those after the chosen one were not tried. */
export type Attempt = { name: string; ok: true } | { name: string; ok: false; reason: string };

/** The backend that was taken, and why. */
export interface Choice {
  backend: Backend;
  tried: Attempt[];
}

/** These mean that the installation is broken, not that an engine is absent. */
const BROKEN: readonly string[] = ['backend/two-engines', 'backend/wrong-engine'];

/** Whether the next candidate would only hide what is wrong: the installation, or an option. */
const isTheCallers = (code: string): boolean => BROKEN.includes(code) || code.startsWith('config/');

/**
 * Opens the first candidate that works, or the one that is `wanted`.
 *
 * @throws BackendError `backend/unknown` for a wanted name that is no candidate's, and
 * `backend/unavailable` when the wanted one, or all of them, cannot be opened, with the reasons;
 * ConfigError for options that cannot be.
 */
export async function choose(candidates: readonly Candidate[], wanted?: string): Promise<Choice> {
  const names = candidates.map(({ name }) => name);
  if (wanted !== undefined && !names.includes(wanted)) {
    throw new BackendError({
      code: 'backend/unknown',
      where: 'auto',
      expected: `one of ${names.join(', ')}`,
      got: `'${wanted}'`,
    });
  }
  const tried: Attempt[] = [];
  for (const { name, open } of candidates) {
    if (wanted !== undefined && name !== wanted) continue;
    try {
      const backend = await open();
      return { backend, tried: [...tried, { name, ok: true }] };
    } catch (error) {
      if (BackendError.isInstance(error) && isTheCallers(error.code)) throw error;
      tried.push({ name, ok: false, reason: (error as Error).message });
    }
  }
  throw new BackendError({
    code: 'backend/unavailable',
    where: 'auto',
    expected: wanted === undefined ? 'a backend that starts' : `the backend '${wanted}'`,
    got: tried
      .map((attempt) => `${attempt.name}: ${'reason' in attempt && attempt.reason}`)
      .join('; '),
    fix: 'Install the package of a backend, e.g. @imglish/backend-wasm.',
  });
}

/** A backend that compiles, with the one that it leaves the rest to; nothing stays open if it fails. */
export async function openCompiling(
  openEager: () => Promise<Backend>,
  compiling: (eager: Backend, options: { threads?: number }) => Promise<Backend>,
  threads: number | undefined,
): Promise<Backend> {
  const eager = await openEager();
  try {
    return await compiling(eager, threads === undefined ? {} : { threads });
  } catch (error) {
    eager.dispose();
    throw error;
  }
}
