import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { isAlive } from './is-alive.js';

it('knows a process that runs from one that has ended', async () => {
  expect(isAlive(process.pid)).toBe(true);
  const child = spawn(process.execPath, ['--eval', '']);
  await once(child, 'exit');
  expect(isAlive(child.pid!)).toBe(false);
});

it.runIf(process.platform === 'linux')('takes one that nobody has asked for as ended', async () => {
  // The shell becomes another program, which knows nothing of the child that it has.
  const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60']);
  const [line] = await once(parent.stdout, 'data');
  const pid = Number(line);
  const state = () => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))![1];
  while (state() !== 'Z') await setTimeout(10);
  expect(isAlive(pid)).toBe(false);
  parent.kill();
});
