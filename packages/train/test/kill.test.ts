import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { draw } from '@imglish/core';
import { bundle } from '@imglish/testing/node';
import { afterAll, beforeAll, expect, it } from 'vitest';

const soak = process.env.SOAK === '1';
const KILLS_WHILE_TRAINING = soak ? 16 : 3;
const KILLS_WHILE_SAVING = soak ? 4 : 1;
const STEPS = soak ? 400 : 75;

let folder: string;
let script: string;
let remove: () => void;

beforeAll(async () => {
  ({ folder, script, remove } = await bundle(import.meta.url, 'killable'));
});

afterAll(() => remove());

/** What must be the same, whatever happened to a run. */
const FILES: readonly string[] = [
  'model-00001-of-00002.safetensors',
  'model-00002-of-00002.safetensors',
  'model.safetensors.index.json',
  'average-00001-of-00002.safetensors',
  'average-00002-of-00002.safetensors',
  'optimizer-00001-of-00004.safetensors',
  'optimizer-00004-of-00004.safetensors',
  'trainer_state.json',
];

/** Resolves when the time has come; `steps` resolves after so many steps of this life. */
type Moment = (steps: (count: number) => Promise<void>, dir: string) => Promise<void>;

/** Runs the script until it ends by itself (true), or is killed when the moment has come (false). */
async function live(
  dir: string,
  moment?: Moment,
  name: NodeJS.Signals = 'SIGKILL',
): Promise<boolean> {
  const child = spawn(process.execPath, [script, dir, String(STEPS)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors: string[] = [];
  child.stderr.on('data', (chunk) => errors.push(String(chunk)));
  const lines = createInterface(child.stdout);
  const ended = new Promise<[number | null, string | null]>((resolve) => {
    child.once('exit', (code, signal) => resolve([code, signal]));
  });
  const steps = (count: number): Promise<void> => {
    let seen = 0;
    return new Promise((resolve) => {
      lines.on('line', () => {
        if (++seen === count) resolve();
      });
    });
  };
  void moment?.(steps, dir).then(() => child.kill(name));
  const [code, signal] = await ended;
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`exit ${code}: ${errors.join('')}`);
  return code === 0;
}

/** Some steps and some milliseconds into a life. */
function after(count: number, milliseconds: number): Moment {
  return async (steps) => {
    await steps(count);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  };
}

/** As soon as the second checkpoint of a life is being written. */
const whileSaving: Moment = async (steps, dir) => {
  await steps(4);
  await new Promise<void>((resolve) => {
    const watcher = watch(dir, (_, name) => {
      if (!name?.startsWith('.tmp-checkpoint-')) return;
      watcher.close();
      resolve();
    });
  });
};

function unfinished(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.startsWith('.tmp-'));
}

/** Steps of the log without what a clock says. */
function log(dir: string): unknown[] {
  const lines = readFileSync(join(dir, 'log.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const { timing, ...metrics } = JSON.parse(line);
    return metrics;
  });
}

it('ends with the same bits however often it is killed', async () => {
  const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
  expect(await live(whole)).toBe(true);

  const random = draw(2024, 'moments to kill');
  for (let kill = 0; kill < KILLS_WHILE_TRAINING; kill++) {
    expect(
      await live(killed, after(1 + random.integer(12), random.integer(15))),
      'ended before the kill',
    ).toBe(false);
    expect(existsSync(join(killed, 'lock'))).toBe(true);
  }
  let whileWriting = 0;
  for (let attempt = 0; whileWriting < KILLS_WHILE_SAVING && attempt < 50; attempt++) {
    expect(await live(killed, whileSaving), 'ended before the kill').toBe(false);
    if (unfinished(killed).length > 0) whileWriting++;
  }
  expect(whileWriting).toBe(KILLS_WHILE_SAVING);
  const saved = readdirSync(killed).filter((name) => name.startsWith('checkpoint-'));
  expect(saved).not.toEqual([]);
  expect(saved).not.toContain(`checkpoint-${STEPS}`);
  expect(await live(killed)).toBe(true);

  for (const name of FILES) {
    const [expected, actual] = [whole, killed].map((dir) => {
      return readFileSync(join(dir, `checkpoint-${STEPS}`, name));
    });
    expect(actual!.equals(expected!), name).toBe(true);
  }
  expect(log(killed)).toEqual(log(whole));
  expect(log(whole)).toHaveLength(STEPS);
  expect(unfinished(killed)).toEqual([]);
  expect(existsSync(join(killed, 'lock'))).toBe(false);
}, 600_000);

it('finishes its step and saves when asked to end', async () => {
  const dir = join(folder, 'ended');
  expect(await live(dir, after(4, 0), 'SIGTERM')).toBe(true);
  const steps = log(dir).length;
  expect(steps).toBeGreaterThanOrEqual(4);
  expect(steps).toBeLessThan(STEPS);
  expect(existsSync(join(dir, `checkpoint-${steps}`, 'manifest.json'))).toBe(true);
  expect(existsSync(join(dir, 'lock'))).toBe(false);
}, 600_000);
