import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { draw } from '@imglish/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildProgram, program } from './build-program.js';
import { captionedFolder } from './captioned-folder.js';
import { GOLDEN } from './run-cli.js';
import { temporaryFolder } from './temporary-folder.js';

// The built program, as processes of its own.

const soak = process.env.SOAK === '1';
const KILLS = soak ? 20 : 3;
const STEPS = soak ? 300 : 16;
const EVERY = 2;
const PATIENCE = soak ? 3_600_000 : 300_000;

const folder = temporaryFolder();
const data = captionedFolder(join(folder, 'data'));

beforeAll(buildProgram, 600_000);

/** Resolves when it has come, with false where the process ended before. */
type Moment = (isRunning: () => boolean) => Promise<boolean>;

const never: Moment = async () => false;

/** What became of a process. */
interface Life {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

/** Starts (or goes on with) the run `name`; at the `moment`, the process is sent the signal. */
async function live(
  name: string,
  backend: string,
  { threads = 1, signal = 'SIGKILL' as NodeJS.Signals, moment = never } = {},
): Promise<Life> {
  const options = {
    data,
    out: join(folder, name),
    tokenizer: join(GOLDEN, 'tokenizer/tiny_unigram1000.spm'),
    steps: STEPS,
    every: EVERY,
    batch: 1,
    codes: 8,
    threads,
    backend,
  };
  const args = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const child = spawn(process.execPath, [program, 'pretrain', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = endOf(child);
  const watched = (async () => {
    const isRunning = () => child.exitCode === null && child.signalCode === null;
    if (await moment(isRunning)) child.kill(signal);
  })();
  const life = await ended;
  await watched;
  return life;
}

function endOf(child: ChildProcess): Promise<Life> {
  const life: Life = { code: null, signal: null, out: '', err: '' };
  child.stdout!.on('data', (chunk) => {
    life.out += chunk;
  });
  child.stderr!.on('data', (chunk) => {
    life.err += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ ...life, code, signal }));
  });
}

/** Steps of the latest checkpoint of a run, 0 where there is none. */
function saved(name: string): number {
  const run = join(folder, name, 'run');
  const names = existsSync(run) ? readdirSync(run) : [];
  return Math.max(0, ...names.map((entry) => Number(/^checkpoint-(\d+)$/.exec(entry)?.[1] ?? 0)));
}

/** Some checkpoints further than now, and some milliseconds; of a new run, whenever it has begun. */
function after(name: string, checkpoints: number, milliseconds: number): Moment {
  const goal = Math.min(STEPS, saved(name) + EVERY * checkpoints);
  return async (isRunning) => {
    while (!existsSync(join(folder, name, 'tokenizers')) || saved(name) < goal) {
      if (!isRunning()) return false;
      await sleep(5);
    }
    await sleep(milliseconds);
    return isRunning();
  };
}

const model = (name: string) => readFileSync(join(folder, name, 'model/model.safetensors'));

/** The log without what a clock says. */
function log(name: string): unknown[] {
  const lines = readFileSync(join(folder, name, 'run/log.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => {
    const { timing, ...metrics } = JSON.parse(line);
    return metrics;
  });
}

// Ranks share the work evenly, whatever their number; onnxruntime sums otherwise with every number of threads.
describe.each([
  ['onnx', 1],
  ['wasm', 2],
] as const)('with %s, threads at last: %d', (backend, most) => {
  const whole = `${backend}-whole`;
  const killed = `${backend}-killed`;
  const asked = `${backend}-asked`;

  it(
    'a run that nobody disturbs ends with a model',
    async () => {
      const { code, out, err } = await live(whole, backend);
      expect({ code, out }, err).toEqual({
        code: 0,
        out: `wrote ${join(folder, `${whole}/model`)}\n`,
      });
      expect(log(whole)).toHaveLength(STEPS);
    },
    PATIENCE,
  );

  it(
    'ends with the same bits however often it is killed',
    async () => {
      const random = draw(4, 'moments to kill the program');
      for (let kill = 0; kill < KILLS; kill++) {
        // The first may fall before there is any checkpoint.
        const checkpoints = kill === 0 ? 0 : 1 + random.integer(2);
        const moment = after(killed, checkpoints, random.integer(150));
        const { code, signal } = await live(killed, backend, { moment });
        expect({ code, signal }, `kill ${kill}`).toEqual({ code: null, signal: 'SIGKILL' });
        expect(existsSync(join(folder, `${killed}/model`))).toBe(false);
      }
      expect(saved(killed)).toBeGreaterThan(0);
      expect(saved(killed)).toBeLessThan(STEPS);

      const { code, err } = await live(killed, backend, { threads: most });
      expect(code, err).toBe(0);
      expect(model(killed).equals(model(whole))).toBe(true);
      expect(log(killed)).toEqual(log(whole));
      const left = readdirSync(join(folder, `${killed}/run`)).filter(
        (name) => !/^checkpoint-\d+$/.test(name),
      );
      expect(left.sort()).toEqual(['log.jsonl', 'run.json']);
    },
    PATIENCE,
  );

  it(
    'stops with a checkpoint when asked to, and goes on later',
    async () => {
      const moment = after(asked, 1, 0);
      const stopped = await live(asked, backend, { signal: 'SIGTERM', moment });
      // 128 + 15: what follows a finished run must not follow this one.
      expect(stopped.code, stopped.err).toBe(143);
      const [, step] = /^stopped after step (\d+); run the same command again to go on\n$/.exec(
        stopped.out,
      )!;
      expect(saved(asked)).toBe(Number(step));
      expect(Number(step)).toBeLessThan(STEPS);
      expect(existsSync(join(folder, `${asked}/model`))).toBe(false);
      expect(existsSync(join(folder, `${asked}/run/lock`))).toBe(false);

      const { code, out } = await live(asked, backend);
      expect({ code, out }).toEqual({ code: 0, out: `wrote ${join(folder, `${asked}/model`)}\n` });
      expect(model(asked).equals(model(whole))).toBe(true);
      expect(log(asked)).toEqual(log(whole));
    },
    PATIENCE,
  );
});
