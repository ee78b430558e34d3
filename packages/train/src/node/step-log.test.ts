import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StepMetrics } from '../loop/contracts.js';
import { openStepLog } from './step-log.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imglish-log-'));
  path = join(folder, 'log.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function metrics(step: number): StepMetrics {
  return {
    step,
    losses: { text: 1 / step },
    counts: { text: 3 },
    total: 1 / step,
    lr: 0.1,
    gradientNorm: 1,
    samples: 2,
    timing: { seconds: step, samplesPerSecond: 2 },
  };
}

async function write(steps: number): Promise<void> {
  const log = await openStepLog(path);
  for (let step = 1; step <= steps; step++) await log.append(metrics(step));
  await log.close();
}

async function cut(step: number): Promise<void> {
  const log = await openStepLog(path);
  await log.cutAfter(step);
  await log.close();
}

function steps(): number[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line).step);
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

describe('openStepLog', () => {
  it('appends what happened, to what is there', async () => {
    await write(2);
    const log = await openStepLog(path);
    await log.append(metrics(3));
    await log.flush();
    await log.close();
    expect(JSON.parse(readFileSync(path, 'utf8').split('\n')[1]!)).toEqual(metrics(2));
    expect(steps()).toEqual([1, 2, 3]);
  });

  it('cuts what came after a step, in files larger than its buffer', async () => {
    await write(1000);
    await cut(990);
    expect(steps()).toEqual(upTo(990));
    await cut(990);
    await cut(1500);
    expect(steps()).toEqual(upTo(990));
    await cut(0);
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it('cuts a line that a crash has left unfinished or unreadable', async () => {
    await write(4);
    appendFileSync(path, '{"step":5,"los');
    await cut(5);
    expect(steps()).toEqual(upTo(4));
    writeFileSync(path, `${readFileSync(path, 'utf8')}\0\0\0\n{"step":5}\n`);
    await cut(5);
    expect(steps()).toEqual(upTo(4));
  });
});
