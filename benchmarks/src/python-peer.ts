import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Side } from './race.js';

/** A Python process that runs its cases when asked to (peers/serve.py has the other end). */
export interface PythonPeer {
  /** Its versions and settings, in words. */
  readonly about: string;
  /** Seconds of each run; what the last one gave is written to `save`. */
  run(name: string, runs: number, save?: string): Promise<number[]>;
  /** A case as a side of a race. */
  side(name: string, shown: string, settings: string): Side;
  close(): Promise<void>;
}

const SCRIPTS = fileURLToPath(new URL('../peers/', import.meta.url));

/**
 * Starts `peers/{script}` with the Python that IMGLISH_PYTHON names, else `python3`.
 *
 * @throws Error that says why there is no such peer: no Python, a package that it lacks.
 */
export async function startPython(
  script: string,
  args: readonly string[],
  threads: number,
): Promise<PythonPeer> {
  const python = process.env.IMGLISH_PYTHON ?? 'python3';
  const child = spawn(python, [SCRIPTS + script, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, OMP_NUM_THREADS: String(threads), PYTHONDONTWRITEBYTECODE: '1' },
  });
  const lines = replies(child, python);
  const { about } = JSON.parse(await lines.next()) as Pick<PythonPeer, 'about'>;
  const run: PythonPeer['run'] = async (name, runs, save) => {
    child.stdin.write(`${JSON.stringify({ case: name, runs, save })}\n`);
    const reply = JSON.parse(await lines.next()) as { seconds?: number[]; error?: string };
    if (reply.seconds) return reply.seconds;
    throw new Error(`${script} ${name}: ${reply.error}`);
  };
  return {
    about,
    run,
    side: (name, shown, settings) => ({
      name: shown,
      settings: `${settings}, ${about}`,
      run: (runs) => run(name, runs),
    }),
    close: async () => {
      child.stdin.end();
      await lines.ended;
    },
  };
}

/** The lines of its stdout, one for each call; rejects with the reason when it ends instead. */
function replies(
  child: ChildProcess,
  python: string,
): { next(): Promise<string>; ended: Promise<void> } {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  let errors = '';
  child.stderr!.on('data', (chunk) => {
    errors = (errors + chunk).slice(-10_000);
  });
  // A process that ends while it is written to is told of by its exit.
  child.stdin!.on('error', () => {});
  const ended = new Promise<string>((resolve) => {
    child.on('error', ({ message }) => resolve(`${python}: ${message}`));
    child.on('close', () => resolve(`${python}: ${lastLine(errors) || 'it ended'}`));
  });
  return {
    async next() {
      const line = await lines.next();
      if (line.done) throw new Error(await ended);
      return line.value;
    },
    ended: ended.then(() => {}),
  };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)!;
}
