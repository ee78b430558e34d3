import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { runProgram } from '../src/program.js';

/** What a command line printed, and its exit code. */
export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** The fixtures of the repository. */
export const GOLDEN: string = fileURLToPath(new URL('../../../fixtures/golden', import.meta.url));

/** Runs a command line in this process and keeps what it prints. */
export async function runCli(...args: string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const line = (to: string[]) => (text: unknown) => void to.push(`${text}\n`);
  const text = (to: string[]) => (chunk: unknown) => {
    to.push(String(chunk));
    return true;
  };
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(line(out)),
    vi.spyOn(console, 'error').mockImplementation(line(err)),
    vi.spyOn(console, 'warn').mockImplementation(line(err)),
    vi.spyOn(process.stdout, 'write').mockImplementation(text(out)),
    vi.spyOn(process.stderr, 'write').mockImplementation(text(err)),
  ];
  try {
    const code = await runProgram(args);
    return { code, out: out.join(''), err: err.join('') };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** Like `runCli`, for a command line that must succeed; returns its stdout. */
export async function outputOf(...args: string[]): Promise<string> {
  const { code, out, err } = await runCli(...args);
  if (code !== 0) throw new Error(`imglish ${args.join(' ')} exited with ${code}: ${err}${out}`);
  return out;
}
