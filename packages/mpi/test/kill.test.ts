import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { draw } from '@imglish/core';
import { isAlive } from '@imglish/core/node';
import { bundle, hasMpirun, type Launched, mpirun } from '@imglish/testing/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const soak = process.env.SOAK === '1';
const RANKS = 2;
const KILLS = soak ? 20 : 3;
const STEPS = soak ? 400 : 60;

/** What must be the same, whatever happened to a run. */
const FILES: readonly string[] = ['model.safetensors', 'optimizer.safetensors'];

describe.skipIf(!hasMpirun())('a run of two processes (skipped without mpirun)', () => {
  let folder: string;
  let script: string;
  let remove: () => void;

  beforeAll(async () => {
    ({ folder, script, remove } = await bundle(import.meta.url, 'killable', ['koffi']));
  });
  afterAll(() => remove());

  const live = (dir: string, watch?: (child: ChildProcess) => void): Promise<Launched> =>
    mpirun(RANKS, [script, dir, String(STEPS)], watch);

  /** The run goes on; so many steps and milliseconds later one of its ranks is killed. */
  const liveAndKill = async (
    dir: string,
    { rank, after, wait }: { rank: number; after: number; wait: number },
  ): Promise<Launched> => {
    const ranks: number[] = [];
    const launched = await live(dir, (child) => {
      let seen = 0;
      createInterface(child.stdout!).on('line', async (line) => {
        if (!line.startsWith('step') || ++seen !== after) return;
        await setTimeout(wait);
        for (let i = 0; i < RANKS; i++) ranks.push(rankProcess(child.pid!, dir, i));
        process.kill(ranks[rank]!, 'SIGKILL');
      });
    });
    // mpirun ends as soon as it has told the others to.
    while (ranks.some(isAlive)) await setTimeout(20);
    return launched;
  };

  const log = (dir: string): unknown[] =>
    readFileSync(join(dir, 'log.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => {
        const { timing, ...metrics } = JSON.parse(line);
        return metrics;
      });

  it('ends with the same bits however often one of them is killed', async () => {
    const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
    const undisturbed = await live(whole);
    expect(undisturbed.code, undisturbed.err).toBe(0);

    const random = draw(2025, 'moments to kill');
    for (let kill = 0; kill < KILLS; kill++) {
      const moment = {
        rank: kill % RANKS,
        after: 1 + random.integer(10),
        wait: random.integer(15),
      };
      const { code } = await liveAndKill(killed, moment);
      expect(code, 'ended before the kill').not.toBe(0);
      expect(existsSync(join(killed, `checkpoint-${STEPS}`))).toBe(false);
    }
    expect(readdirSync(killed).filter((name) => name.startsWith('checkpoint-'))).not.toEqual([]);
    const last = await live(killed);
    expect(last.code, last.err).toBe(0);

    for (const name of FILES) {
      const [expected, actual] = [whole, killed].map((dir) =>
        readFileSync(join(dir, `checkpoint-${STEPS}`, name)),
      );
      expect(actual!.equals(expected!), name).toBe(true);
    }
    expect(log(killed)).toEqual(log(whole));
    expect(log(whole)).toHaveLength(STEPS);
  }, 600_000);
});

/** The process of a rank, among those that mpirun has started. */
function rankProcess(mpirun: number, dir: string, rank: number): number {
  const found = descendants(mpirun).find((pid) => {
    const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
    return (
      read('cmdline').includes(dir) && read('environ').includes(`OMPI_COMM_WORLD_RANK=${rank}`)
    );
  });
  if (found === undefined) throw new Error(`no process of rank ${rank} below ${mpirun}`);
  return found;
}

function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return children
    .filter(Boolean)
    .flatMap((child) => [Number(child), ...descendants(Number(child))]);
}
