import { Command, CommanderError } from 'commander';
import { commands } from './commands/index.js';
import { errorText } from './error-text.js';

/** The command line, every command registered. */
export function createProgram(): Command {
  const program = new Command('imglish')
    .description('BEiT-3: one model for images, text and pairs of both')
    .showHelpAfterError('(--help says what there is)')
    .exitOverride();
  for (const register of commands) register(program);
  return program;
}

/**
 * Runs a command line and returns its exit code: 0, 1 where something went wrong, 2 where the
 * command line cannot be understood. Errors of ours are printed as one line, others in full.
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  const program = createProgram();
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await program.parseAsync([...args], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(errorText(error));
    return 1;
  } finally {
    process.exitCode = before;
  }
}
