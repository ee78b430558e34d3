import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { TrainError } from '@imglish/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from './lock.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imglish-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The pid of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.once('exit', resolve));
  return child.pid!;
}

function holder(): { pid: number } {
  return JSON.parse(readFileSync(path, 'utf8'));
}

describe('takeLock', () => {
  it('keeps others out until it is given back', async () => {
    const unlock = await takeLock(path);
    const second = takeLock(path);
    await expect(second).rejects.toBeInstanceOf(TrainError);
    await expect(second).rejects.toThrow(`process ${process.pid} on ${hostname()}`);
    await unlock();
    expect(existsSync(path)).toBe(false);
    await (await takeLock(path))();
  });

  it('takes over from a dead process, once', async () => {
    writeFileSync(path, JSON.stringify({ host: hostname(), pid: await deadPid() }));
    const attempts = await Promise.allSettled([1, 2, 3, 4, 5].map(() => takeLock(path)));
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(holder().pid).toBe(process.pid);
    expect(existsSync(`${path}.takeover`)).toBe(false);
  });

  it.runIf(process.platform === 'linux')('takes over a pid that is used again', async () => {
    writeFileSync(path, JSON.stringify({ host: hostname(), pid: process.pid, born: '1' }));
    await takeLock(path);
    expect(holder()).not.toMatchObject({ born: '1' });
  });

  it('takes over from a process that died before it wrote its name', async () => {
    writeFileSync(path, '');
    await takeLock(path);
    expect(holder().pid).toBe(process.pid);
  });

  it('respects other hosts', async () => {
    writeFileSync(path, JSON.stringify({ host: 'elsewhere', pid: await deadPid() }));
    await expect(takeLock(path)).rejects.toMatchObject({
      code: 'train/locked',
      message: expect.stringContaining(`delete ${path}`),
    });
  });

  it('waits for a take-over that is going on', async () => {
    writeFileSync(path, JSON.stringify({ host: hostname(), pid: await deadPid() }));
    mkdirSync(`${path}.takeover`);
    let taken = false;
    const waiting = takeLock(path).then(() => {
      taken = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(taken).toBe(false);
    rmSync(`${path}.takeover`, { recursive: true });
    await waiting;
    expect(holder().pid).toBe(process.pid);
  });
});
