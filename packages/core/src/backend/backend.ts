import type { KernelBackend } from '@tensorflow/tfjs-core';
import { type Engine, engine } from '../autodiff/engine.js';
import { BackendError } from '../errors/errors.js';
import type { Compiler } from './compiler.js';

/**
 * An engine that is ready to compute. Opening one makes it the current one; several may be open, and
 * a tensor belongs to the one that was current when it was made.
 */
export interface Backend {
  /** The name of the tfjs backend. */
  readonly name: string;
  /** False after `dispose()`. */
  readonly ready: boolean;
  /** Present when this engine can compile functions. */
  readonly compiler?: Compiler;
  /** Makes it the current one again. */
  use(): Promise<void>;
  /**
   * Gives it back. The tfjs backend and all its tensors go when every `Backend` on it has been given
   * back, and only when Imglish made it: one that was there before stays untouched.
   */
  dispose(): void;
}

export interface OpenBackendOptions {
  /** Makes the tfjs backend; not called when one of that name is there already. */
  create: () => KernelBackend | Promise<KernelBackend>;
  /** Called once for each tfjs backend, ours or not, before it becomes current: to add kernels. */
  prepare?: (backend: KernelBackend) => void | Promise<void>;
  compiler?: Compiler;
}

interface Opened {
  instance: KernelBackend;
  /** Whether we made the instance, and so may remove it. */
  made: boolean;
  /** The factory that was registered before ours. */
  replaced?: Engine['registryFactory'][string];
  /** How many `Backend`s stand on it. */
  users: number;
}

const openedByName: Map<string, Promise<Opened>> = new Map();

/**
 * Opens a tfjs backend by name and makes it the current one. For authors of backends: `wasm()`,
 * `cpu()` and the others are calls of it.
 *
 * @throws BackendError `backend/two-engines`, or `backend/unavailable` with the reason.
 */
export async function openBackend(name: string, options: OpenBackendOptions): Promise<Backend> {
  let opening = openedByName.get(name);
  const removedByOthers = opening && (await opening).instance !== instanceOf(name);
  if (!opening || removedByOthers) {
    opening = open(name, options);
    openedByName.set(name, opening);
    opening.catch(() => openedByName.delete(name));
  }
  const opened = await opening;
  opened.users += 1;

  let disposed = false;
  const isReady = (): boolean => !disposed && instanceOf(name) === opened.instance;
  const backend: Backend = {
    name,
    ...(options.compiler && { compiler: options.compiler }),
    get ready() {
      return isReady();
    },
    async use() {
      if (isReady() && (await engine().setBackend(name))) return;
      throw new BackendError({
        code: 'backend/disposed',
        where: `Backend('${name}').use`,
        expected: 'a backend that is open',
        got: 'one that was given back or removed',
        fix: 'Open it again.',
      });
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      opened.users -= 1;
      if (opened.users === 0) close(name, opened);
    },
  };
  await backend.use();
  return backend;
}

async function open(name: string, { create, prepare }: OpenBackendOptions): Promise<Opened> {
  const present = instanceOf(name);
  try {
    const instance = present ?? (await create());
    await prepare?.(instance);
    if (present) return { instance, made: false, users: 0 };
    // tfjs's packages register a factory on import; ours stands in for it while this is open.
    const replaced = engine().registryFactory[name];
    if (replaced) engine().removeBackend(name);
    engine().registerBackend(name, () => instance, replaced?.priority);
    engine().findBackend(name); // has the engine call the factory
    return { instance, made: true, users: 0, ...(replaced && { replaced }) };
  } catch (cause) {
    if (BackendError.isInstance(cause)) throw cause;
    throw new BackendError({
      code: 'backend/unavailable',
      where: `openBackend('${name}')`,
      expected: 'an engine that starts',
      got: (cause as Partial<Error> | undefined)?.message ?? String(cause),
      cause,
    });
  }
}

function close(name: string, { instance, made, replaced }: Opened): void {
  openedByName.delete(name);
  if (!made || instanceOf(name) !== instance) return;
  engine().removeBackend(name);
  if (replaced) engine().registerBackend(name, replaced.factory, replaced.priority);
}

/** The running tfjs backend of that name; looking must not start one. */
function instanceOf(name: string): KernelBackend | undefined {
  return engine().registry[name];
}
