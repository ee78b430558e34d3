import { BackendError } from '../errors/errors.js';

/** What tells one copy of tfjs-core from another: pass `{ Tensor, version_core }` imported from it. */
export interface TfjsCopy {
  readonly Tensor: unknown;
  readonly version_core: string;
}

const FIRST_COPY: symbol = Symbol.for('imglish.tfjs-core');

interface Globals {
  [FIRST_COPY]?: TfjsCopy;
  _tfGlobals?: Map<string, unknown>;
}

/**
 * Refuses to go on when a package got another copy of tfjs-core than the rest of the process.
 *
 * Copies share the engine on `globalThis` but neither classes nor gradients, and fail quietly far
 * from the cause. Every package that brings an engine calls this with its own copy.
 *
 * @throws BackendError `backend/two-engines`
 */
export function assertOneEngine(where: string, copy: TfjsCopy): void {
  const globals = globalThis as Globals;
  // tfjs-core itself remembers the Tensor class of the copy that was loaded first.
  const firstTensor = globals._tfGlobals?.get('Tensor') ?? copy.Tensor;
  globals[FIRST_COPY] ??= copy;
  const first = globals[FIRST_COPY];
  if (first.Tensor === copy.Tensor && firstTensor === copy.Tensor) return;
  const other = first.Tensor === copy.Tensor ? 'another copy' : `a copy of ${first.version_core}`;
  throw new BackendError({
    code: 'backend/two-engines',
    where,
    expected: 'one copy of @tensorflow/tfjs-core in the process',
    got: `a copy of ${copy.version_core} besides ${other} that was loaded first`,
    fix: FIX,
  });
}

/**
 * Refuses a tfjs-core of another version than the one that Imglish was built for.
 *
 * @throws BackendError `backend/wrong-engine`
 */
export function assertEngineVersion(where: string, copy: TfjsCopy, version: string): void {
  if (copy.version_core === version) return;
  throw new BackendError({
    code: 'backend/wrong-engine',
    where,
    expected: `@tensorflow/tfjs-core ${version}, an exact peer dependency`,
    got: copy.version_core,
    fix: FIX,
  });
}

const FIX: string =
  'tfjs-core is a peer dependency: list one version of it in your package.json, let nothing else bring ' +
  'its own (`npm ls @tensorflow/tfjs-core` shows who does; `overrides`, a bundler alias or deduplication unite them).';
