/** Work that goes on while nobody waits for it, one piece at a time. */
export interface Background {
  /** Begins a piece of work; `failed` is told at once if it fails. The one before must have settled. */
  begin(work: () => Promise<void>): void;
  /** Resolves when nothing is going on; rejects, once, with the failure of what was. */
  settled(): Promise<void>;
}

export function background(failed: (error: unknown) => void): Background {
  let failure: { error: unknown } | undefined;
  let running: Promise<void> = Promise.resolve();
  return {
    begin(work) {
      running = work().catch((error) => {
        failure = { error };
        failed(error);
      });
    },
    async settled() {
      await running;
      const found = failure;
      failure = undefined;
      if (found) throw found.error;
    },
  };
}
