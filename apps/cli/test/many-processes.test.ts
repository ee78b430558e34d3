import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasMpirun, type Launched, mpirun } from '@imglish/testing/node';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildProgram, program, root } from './build-program.js';
import { captionedFolder } from './captioned-folder.js';
import type { Outcome } from './gradients-of-ranks.js';
import { GOLDEN } from './run-cli.js';
import { temporaryFolder } from './temporary-folder.js';

// The built program, as processes that mpirun launches.

const PATIENCE = 600_000;
const spm = join(GOLDEN, 'tokenizer/tiny_unigram1000.spm');
const folder = temporaryFolder();

describe.skipIf(!hasMpirun())('many processes (skipped without mpirun)', () => {
  beforeAll(buildProgram, PATIENCE);

  describe('gradients and steps of SGD', () => {
    /** 16 samples of each stream in a step, shared out among so many processes. */
    async function outcome(ranks: number): Promise<Outcome> {
      // In the package, so that the packages it imports are found.
      const script = join(root, 'apps/cli/node_modules', `.gradients-of-${ranks}.mjs`);
      await build({
        entryPoints: [join(root, 'apps/cli/test/gradients-of-ranks.ts')],
        ...{ outfile: script, bundle: true, platform: 'node', format: 'esm', target: 'node20' },
        external: ['@imglish/*', '@tensorflow/*'],
        // Sources are not what this is about: the built packages are.
        tsconfigRaw: {},
      });
      const out = join(folder, `${ranks}.json`);
      const { code, err } = await mpirun(ranks, [script, '16', spm, out]).finally(() =>
        rmSync(script),
      );
      expect(code, err).toBe(0);
      return JSON.parse(readFileSync(out, 'utf8'));
    }

    it('are those of one process with all samples', { timeout: PATIENCE }, async () => {
      const one = await outcome(1);
      expect(Object.keys(one.losses[0]!)).toEqual(['text', 'image', 'pairText', 'pairImage']);
      expect(one.losses.at(-1)!.text).not.toBeCloseTo(one.losses[0]!.text!, 2);
      for (const ranks of [2, 4]) {
        const several = await outcome(ranks);
        several.losses.forEach((losses, step) => {
          for (const [stream, loss] of Object.entries(losses)) {
            const expected = one.losses[step]![stream]!;
            const tolerance = 1e-5 * Math.max(1, expected);
            expect(Math.abs(loss - expected), `${stream}, step ${step}`).toBeLessThan(tolerance);
          }
        });
        expectClose(several.gradients, one.gradients);
        expectClose(several.parameters, one.parameters);
      }
    });
  });

  describe('pretrain', () => {
    const data = captionedFolder(join(folder, 'data'));

    const pretrain = (ranks: number, name: string, changes: Record<string, string> = {}) => {
      const options = {
        data,
        out: join(folder, name),
        tokenizer: spm,
        ...{ steps: '2', batch: '1', codes: '8', every: '1', threads: '1', ...changes },
      };
      const given = Object.entries(options).flatMap(([key, value]) => [`--${key}`, value]);
      return mpirun(ranks, [program, 'pretrain', ...given, '--json']);
    };
    const log = (name: string): { losses: Record<string, number>; samples: number }[] =>
      readFileSync(join(folder, name, 'run/log.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    const linesOf = ({ out }: Launched): unknown[] =>
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));

    it(
      'on two processes has the losses of one with twice the batch',
      async () => {
        const one = await pretrain(1, 'one', { batch: '2' });
        const two = await pretrain(2, 'two');
        for (const [name, launch] of Object.entries({ one, two })) {
          expect(launch.code, launch.err).toBe(0);
          const last = { steps: 2, model: join(folder, name, 'model') };
          // Only one of them prints.
          const results = linesOf(launch).filter((line) => Object.hasOwn(line as object, 'model'));
          expect(results).toEqual([last]);
        }
        expect(log('two').map(({ samples }) => samples)).toEqual([12, 12]);
        log('two').forEach(({ losses }, step) => {
          for (const [stream, loss] of Object.entries(losses)) {
            expect(loss).toBeCloseTo(log('one')[step]!.losses[stream]!, 3 - step);
          }
        });
      },
      PATIENCE,
    );

    it(
      'ends on all with the message of one, once',
      async () => {
        const { code, out, err } = await pretrain(2, 'two', { lr: '0.5' });
        expect(code).not.toBe(0);
        expect(out).toBe('');
        expect(err.match(/^imglish: .*\[train\/other-config\]$/gm)).toHaveLength(1);
      },
      PATIENCE,
    );
  });
});

/** ‖x − r‖ ≤ 1e-5 · max(‖r‖, 1e-3 · ‖all r‖) of each tensor. */
function expectClose(actual: Outcome['gradients'], expected: Outcome['gradients']): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  const norm = (values: readonly number[]) => Math.hypot(...values);
  const all = norm(Object.values(expected).map(norm));
  for (const [name, values] of Object.entries(expected)) {
    const difference = norm(values.map((value, i) => actual[name]![i]! - value));
    expect(difference, name).toBeLessThanOrEqual(1e-5 * Math.max(norm(values), 1e-3 * all));
  }
}
