import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { draw } from '@imglish/core';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';

const soak = process.env.SOAK === '1';
const KILLS_WHILE_TRAINING = soak ? 16 : 3;
const KILLS_WHILE_SAVING = soak ? 4 : 1;
const STEPS = soak ? 400 : 60;

// Inside the package, so that the bundle finds tfjs where the package does.
const packageFolder = fileURLToPath(new URL('..', import.meta.url));
let folder: string;
let script: string;

beforeAll(async () => {
  folder = mkdtempSync(join(packageFolder, 'node_modules', '.kill-'));
  script = join(folder, 'killable.mjs');
  await build({
    entryPoints: [join(packageFolder, 'test', 'killable.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['@tensorflow/*'],
  });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Moment = (started: () => Promise<void>, dir: string) => Promise<void>;

/** Runs the script until it ends by itself (true) or the moment has come and it was killed (false). */
async function live(dir: string, moment?: Moment): Promise<boolean> {
  const child = spawn(process.execPath, [script, dir, String(STEPS)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors: string[] = [];
  child.stderr.on('data', (chunk) => errors.push(String(chunk)));
  const started = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  const ended = new Promise<[number | null, string | null]>((resolve) => {
    child.once('exit', (code, signal) => resolve([code, signal]));
  });
  void moment?.(() => started, dir).then(() => child.kill('SIGKILL'));
  const [code, signal] = await ended;
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`exit ${code}: ${errors.join('')}`);
  return code === 0;
}

/** Some time after the training began. */
function after(milliseconds: number): Moment {
  return async (started) => {
    await started();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  };
}

/** As soon as a checkpoint is being written. */
const whileSaving: Moment = async (started, dir) => {
  await started();
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
    expect(await live(killed, after(random.uniform() * 200)), 'ended before the kill').toBe(false);
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

  for (const name of ['model.safetensors', 'optimizer.safetensors', 'trainer_state.json']) {
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
