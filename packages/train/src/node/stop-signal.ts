/** See `stopOnSignals`. */
export interface StopOnSignals {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Takes the handlers away again. */
  dispose(): void;
}

/**
 * For command lines: the first SIGINT or SIGTERM aborts `signal`, so that `train` finishes its step,
 * saves and returns; a second one ends the process as if nobody listened.
 */
export function stopOnSignals(): StopOnSignals {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM'] as const;
  const dispose = (): void => {
    for (const name of names) process.off(name, stop);
  };
  const stop = (name: NodeJS.Signals): void => {
    dispose();
    controller.abort(name);
  };
  for (const name of names) process.on(name, stop);
  return { signal: controller.signal, dispose };
}
