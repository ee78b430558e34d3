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
import { ConfigError, openShards, TrainError } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { values } from '../../test/memory-run.js';
import type { StateSource, StepMetrics, ValueSource } from '../loop/contracts.js';
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

function state(step: number): StateSource {
  const of = (shape: number[], ...data: number[]) => values(shape, Float32Array.from(data));
  return {
    step,
    parameters: {
      w: of([2, 2], step, 2, 3, 0.1),
      s: of([], 7),
      unused: of([1], 5),
    },
    moments: {
      w: { step: step - 1, m: of([2, 2], 1, 2, 3, step), v: of([2, 2], 4, 5, 6, 1e-30) },
      s: { step: 1, m: of([], -1), v: of([], 2) },
    },
  };
}

async function read({ step, parameters, moments }: StateSource) {
  const all = async (
    sources: Record<string, { shape: readonly number[]; read(): Promise<Float32Array> }>,
  ) => {
    const found: Record<string, unknown> = {};
    for (const [name, { shape, read }] of Object.entries(sources)) {
      found[name] = [shape, [...(await read())]];
    }
    return found;
  };
  const updates = Object.entries(moments).map(([name, moment]) => [name, moment.step]);
  return {
    step,
    updates,
    parameters: await all(parameters),
    m: await all(Object.fromEntries(Object.entries(moments).map(([name, { m }]) => [name, m]))),
    v: await all(Object.fromEntries(Object.entries(moments).map(([name, { v }]) => [name, v]))),
  };
}

/** A run with checkpoints of these steps, closed again. */
async function saved(...steps: number[]): Promise<void> {
  const run = await open();
  for (const step of steps) {
    await run.save(state(step));
  }
  await run.close();
}

async function restoredStep(
  extra: Partial<OpenRunOptions> = {},
  compiler?: string,
): Promise<number | undefined> {
  const run = await open(extra);
  try {
    const restored = await run.restore(compiler);
    await restored?.close();
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
  it('gives back what it saved, to the bit, until it is closed', async () => {
    const original = state(10);
    const run = await open();
    expect(await run.restore()).toBeUndefined();
    expect(await run.latest()).toBeUndefined();
    await run.save(original);
    await run.settled();
    const restored = await run.restore();
    expect(await read(restored!)).toEqual(await read(original));
    expect(await run.latest()).toBe(join(dir, 'checkpoint-10'));
    await restored!.close();
    await expect(restored!.parameters.w!.read()).rejects.toThrow();
    await run.close();
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

  it('keeps the checkpoints of a rule, by what it was told or else by the losses', async () => {
    const run = await open({ every: 2, keep: { last: 1, multiplesOf: 30, best: 2 } });
    const losses: Record<number, [number, number]> = {
      10: [9, 9],
      20: [3, 5],
      30: [8, 8],
      40: [1, 5],
      50: [7, 7],
      60: [6, 6],
      70: [6, 5],
    };
    for (const [step, totals] of Object.entries(losses)) {
      for (const total of totals) await run.log({ step: Number(step), total } as StepMetrics);
      if (step === '50') run.score(3.5);
      await run.save(state(Number(step)));
    }
    await run.close();
    const kept = [30, 40, 50, 60, 70];
    expect(folders()).toEqual(kept.map((step) => `checkpoint-${step}`));
    const scores = kept.map((step) => {
      const text = readFileSync(join(dir, `checkpoint-${step}`, 'trainer_state.json'), 'utf8');
      return JSON.parse(text).score;
    });
    expect(scores).toEqual([8, 3, 3.5, 6, 5.5]);
  });

  it('scores a checkpoint as if the run had not been interrupted', async () => {
    const run = await open({ every: 4 });
    for (const [i, total] of [1, 2, 3, 5].entries()) {
      await run.log({ step: i + 1, total } as StepMetrics);
    }
    await run.save(state(4));
    await run.close();
    const again = await open({ every: 4 });
    await (await again.restore())!.close();
    await again.log({ step: 5, total: 8 } as StepMetrics);
    await again.save(state(5));
    await again.close();
    const text = readFileSync(join(dir, 'checkpoint-5', 'trainer_state.json'), 'utf8');
    expect(JSON.parse(text).score).toBe((2 + 3 + 5 + 8) / 4);
  });

  it('cuts large checkpoints into shards, which are read and checked as one', async () => {
    const original = { ...state(10), average: state(10).parameters };
    const run = await open({ shardBytes: 20 });
    await run.save(original);
    await run.settled();
    const restored = (await run.restore())!;
    const [found, expected] = [await read(restored), await read(original)];
    // In the order of the files; `train` puts them in the order of the model.
    expect(found).toEqual(expected);
    const average = { ...restored, parameters: restored.average! };
    expect((await read(average)).parameters).toEqual(expected.parameters);
    await restored.close();
    await run.close();
    const folder = join(dir, 'checkpoint-10');
    expect(readdirSync(folder).filter((name) => name.startsWith('model'))).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
    const model = await openShards(fileDirectory(folder));
    expect([...model.tensors.keys()]).toEqual(['w', 's', 'unused']);
    await model.close();
    truncateSync(join(folder, 'optimizer-00002-of-00003.safetensors'), 90);
    expect(await restoredStep()).toBeUndefined();
    expect(messages[0]).toContain('optimizer-00002-of-00003.safetensors');
  });

  it('stores moments in 16 bits where these are enough, without loss', async () => {
    const original = state(10);
    const half = (source: ValueSource): ValueSource => ({ ...source, stored: 'bfloat16' });
    const moments = {
      s: { step: 1, m: half(original.moments.s!.m), v: half(original.moments.s!.v) },
    };
    const run = await open();
    await run.save({ ...original, moments });
    await run.settled();
    const restored = await run.restore();
    const { m, v } = await read(restored!);
    expect([m.s, v.s]).toEqual([
      [[], [-1]],
      [[], [2]],
    ]);
    await restored!.close();
    await run.close();
    const optimizer = readFileSync(join(dir, 'checkpoint-10', 'optimizer.safetensors'), 'latin1');
    expect(optimizer).toContain('"m.s":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}');
  });

  it('writes while training goes on', async () => {
    const run = await open();
    const changing = state(10);
    await run.save(changing);
    expect(folders()).not.toContain('checkpoint-10');
    // The values it is read from are another step's by now.
    (await changing.parameters.w!.read()).fill(77);
    await run.settled();
    const restored = await run.restore();
    expect((await read(restored!)).parameters).toEqual((await read(state(10))).parameters);
    await restored!.close();
    await run.close();
  });

  it('tells at once that a checkpoint cannot be written, and ends at the next', async () => {
    await saved(10);
    // No file system has names as long as that of the file while it is written.
    const run = await open({ files: { ['x'.repeat(250)]: '' } });
    await run.save(state(20));
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    expect(messages[0]).toContain('could not be written');
    const next = run.save(state(30));
    await expect(next).rejects.toBeInstanceOf(TrainError);
    await expect(next).rejects.toMatchObject({ code: 'train/checkpoint' });
    await run.close();
    expect(await restoredStep()).toBe(10);
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
    const gone = { shape: [2, 2], read: () => Promise.reject(new Error('gone')) };
    const moments = { ...broken.moments, w: { ...broken.moments.w!, v: gone } };
    await expect(run.save({ ...broken, moments })).rejects.toThrow('gone');
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

  it('tells compiled steps from others, and one compiler from another', async () => {
    await saved(10);
    expect(await restoredStep({}, 'onnx 1')).toBe(10);
    const run = await open();
    await run.save({ ...state(20), compiler: 'onnx 1' });
    await run.close();
    const trainer = readFileSync(join(dir, 'checkpoint-20', 'trainer_state.json'), 'utf8');
    expect(JSON.parse(trainer).engine).toEqual({ ...describeEngine(), compiler: 'onnx 1' });
    await restoredStep({}, 'onnx 1');
    await restoredStep({}, 'onnx 2');
    await restoredStep();
    const warning = expect.stringMatching(/another engine \(compiler differ\)/);
    expect(messages).toEqual([warning, warning, warning]);
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
      { keep: { last: 1, best: -1 } },
      { shardBytes: 0 },
      { seed: 0.5 },
      { files: { 'model.safetensors': '' } },
      { files: { 'average-00001-of-00002.safetensors': '' } },
      { files: { '../config.json': '' } },
    ];
    for (const extra of bad) await expect(open(extra)).rejects.toBeInstanceOf(ConfigError);
    expect(existsSync(dir)).toBe(false);
  });
});
