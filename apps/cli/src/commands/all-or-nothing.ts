import { stopOnSignals } from '@imglish/train/node';

/**
 * Runs what leaves nothing behind unless it ends. Told to stop, it says so, and the command exits with 1;
 * any other error is thrown.
 */
export async function allOrNothing(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const { signal, dispose } = stopOnSignals();
  try {
    await run(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    console.error('stopped; nothing was written');
    process.exitCode = 1;
  } finally {
    dispose();
  }
}
