import '@tensorflow/tfjs-backend-cpu';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, TrainError } from '@imglish/core';
import { memory, scalar, tensor, tensor2d } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StepMetrics, TrainState } from '../loop/contracts.js';
import { disposeState } from '../loop/state.js';
import { describeEngine } from './engine-description.js';
import { type OpenRunOptions, openRun } from './open-run.js';

let dir: string;
let messages: string[];
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'imglish-run-')), 'run');
  messages = [];
});
afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

function open(extra: Partial<OpenRunOptions> = {}) {
  const onMessage = (message: string) => void messages.push(message);
  return openRun(dir, {
    config: { model: { width: 8, layers: 2 }, lr: 0.1 },
    seed: 1,
    every: 10,
    onMessage,
    ...extra,
  });
}

function state(step: number): TrainState {
  return {
    step,
    parameters: {
      w: tensor2d([step, 2, 3, Math.fround(0.1)], [2, 2]),
      s: scalar(7),
      unused: tensor([5]),
    },
    moments: {
      w: {
        step: step - 1,
        m: tensor2d([1, 2, 3, step], [2, 2]),
        v: tensor2d([4, 5, 6, 1e-30], [2, 2]),
      },
      s: { step: 1, m: scalar(-1), v: scalar(2) },
    },
  };
}

function values({ step, parameters, moments }: TrainState) {
  const read = (name: string) => [parameters[name]!.shape, ...parameters[name]!.dataSync()];
  return {
    step,
    parameters: Object.fromEntries(Object.keys(parameters).map((name) => [name, read(name)])),
    moments: Object.fromEntries(
      Object.entries(moments).map(([name, { step: updates, m, v }]) => {
        return [name, [updates, m.shape, ...m.dataSync(), ...v.dataSync()]];
      }),
    ),
  };
}

/** A run with checkpoints of these steps, closed again. */
async function saved(...steps: number[]): Promise<void> {
  const run = await open();
  for (const step of steps) {
    const current = state(step);
    await run.save(current);
    disposeState(current);
  }
  await run.close();
}

async function restoredStep(extra: Partial<OpenRunOptions> = {}): Promise<number | undefined> {
  const run = await open(extra);
  try {
    const restored = await run.restore();
    if (restored) disposeState(restored);
    return restored?.step;
  } finally {
    await run.close();
  }
}

function folders(): string[] {
  return readdirSync(dir)
    .filter((name) => name.includes('checkpoint'))
    .sort();
}

describe('openRun', () => {
  it('gives back what it saved, to the bit, and leaks nothing', async () => {
    const before = memory().numTensors;
    const original = state(10);
    const run = await open();
    expect(await run.restore()).toBeUndefined();
    expect(await run.latest()).toBeUndefined();
    await run.save(original);
    const restored = await run.restore();
    expect(values(restored!)).toEqual(values(original));
    expect(await run.latest()).toBe(join(dir, 'checkpoint-10'));
    disposeState(original);
    disposeState(restored!);
    await run.close();
    expect(memory().numTensors).toBe(before);
    expect(messages).toEqual([]);
  });

  it('records what the result depends on, and adds the files it was given', async () => {
    const files = { 'config.json': '{"width":8}', 'tokenizer.spm': new Uint8Array([1, 2, 3]) };
    const run = await open({ files });
    await run.save(state(10));
    await run.close();
    const folder = join(dir, 'checkpoint-10');
    expect(readFileSync(join(folder, 'config.json'), 'utf8')).toBe('{"width":8}');
    expect([...readFileSync(join(folder, 'tokenizer.spm'))]).toEqual([1, 2, 3]);
    const trainer = JSON.parse(readFileSync(join(folder, 'trainer_state.json'), 'utf8'));
    expect(trainer).toEqual({
      step: 10,
      updates: { w: 9, s: 1 },
      config: { model: { width: 8, layers: 2 }, lr: 0.1 },
      seed: 1,
      engine: describeEngine(),
    });
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    expect(manifest.files['tokenizer.spm']).toEqual({
      bytes: 3,
      sha256: '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81',
    });
  });

  it('keeps the last few checkpoints', async () => {
    await saved(10, 20, 30, 100, 110);
    expect(folders()).toEqual(['checkpoint-100', 'checkpoint-110', 'checkpoint-30']);
    expect(await restoredStep()).toBe(110);
  });

  it.each([
    ['truncated', (file: string) => truncateSync(file, 100), 'bytes'],
    [
      'changed',
      (file: string) => {
        const bytes = readFileSync(file);
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(file, bytes);
      },
      'SHA-256',
    ],
    ['missing', (file: string) => rmSync(file), 'none that can be read'],
  ])('goes on from the one before where a file is %s', async (_, damage, reason) => {
    await saved(10, 20);
    damage(join(dir, 'checkpoint-20', 'optimizer.safetensors'));
    expect(await restoredStep()).toBe(10);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain('checkpoint-20 is damaged, going on from checkpoint-10');
    expect(messages[0]).toContain(reason);
    expect(folders()).toEqual(['checkpoint-10', 'checkpoint-20.damaged']);
    await saved(20);
    expect(await restoredStep()).toBe(20);
  });

  it('begins anew where no checkpoint is left', async () => {
    await saved(10);
    rmSync(join(dir, 'checkpoint-10', 'manifest.json'));
    expect(await restoredStep()).toBeUndefined();
    expect(messages[0]).toContain('going on from the beginning');
  });

  it('cuts the log back to the checkpoint', async () => {
    const run = await open();
    const metrics = (step: number) => ({ step }) as StepMetrics;
    for (let step = 1; step <= 10; step++) await run.log(metrics(step));
    await run.save(state(10));
    await run.log(metrics(11));
    await run.close();
    await restoredStep();
    const lines = readFileSync(join(dir, 'log.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.at(-1)).toBe('{"step":10}');
    expect(lines).toHaveLength(10);
  });

  it('removes what a killed process left unfinished', async () => {
    await saved(10);
    mkdirSync(join(dir, '.tmp-checkpoint-20'));
    writeFileSync(join(dir, '.tmp-checkpoint-20', 'model.safetensors'), 'half');
    expect(await restoredStep()).toBe(10);
    expect(existsSync(join(dir, '.tmp-checkpoint-20'))).toBe(false);
  });

  it('leaves nothing of a checkpoint that could not be written', async () => {
    const run = await open();
    const broken = state(10);
    broken.moments.w!.v.dispose();
    await expect(run.save(broken)).rejects.toThrow();
    expect(readdirSync(dir).sort()).toEqual(['lock', 'log.jsonl', 'run.json']);
    await run.close();
  });

  it('refuses another configuration or seed, and names the keys', async () => {
    await (await open()).close();
    const other = open({ config: { model: { width: 16, layers: 2 }, rate: 0.1 }, seed: 2 });
    await expect(other).rejects.toBeInstanceOf(ConfigError);
    await expect(other).rejects.toMatchObject({
      code: 'train/other-config',
      got: 'other values of config.model.width, config.lr, config.rate, seed',
    });
    // And gives the lock back.
    await (await open()).close();
  });

  it('warns on another engine', async () => {
    await saved(10);
    const engine = { ...describeEngine(), threads: 77 };
    expect(await restoredStep({ engine })).toBe(10);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(/another engine \(threads differ\)/);
  });

  it('is open once', async () => {
    const run = await open();
    await expect(open()).rejects.toMatchObject({ code: 'train/locked' });
    await run.close();
    await (await open()).close();
  });

  it('refuses to write a checkpoint twice', async () => {
    await saved(10);
    const run = await open();
    await expect(run.save(state(10))).rejects.toBeInstanceOf(TrainError);
    await run.close();
  });

  it('refuses options that cannot be', async () => {
    const bad: Partial<OpenRunOptions>[] = [
      { every: 0 },
      { keep: 0 },
      { seed: 0.5 },
      { files: { 'model.safetensors': '' } },
      { files: { '../config.json': '' } },
    ];
    for (const extra of bad) await expect(open(extra)).rejects.toBeInstanceOf(ConfigError);
    expect(existsSync(dir)).toBe(false);
  });
});
