import { expect, it } from 'vitest';
import { ranks, ranksText, type Setup } from './ranks.js';

it('compares processes with threads, round by round', async () => {
  const asked: Setup[] = [];
  const speeds = [
    [10, 15, 18],
    [20, 30, 30],
    [10, 16, 20],
  ].flat();
  const options = { rounds: 3, turnSeconds: 1, only: undefined, note: () => {} };
  const run = async (setup: Setup) => {
    asked.push(setup);
    return speeds[asked.length - 1]!;
  };
  const report = await ranks(options, run, 2);
  const setups = [
    { processes: 1, threads: 1 },
    { processes: 1, threads: 2 },
    { processes: 2, threads: 1 },
  ];
  expect(asked).toEqual([...setups, ...setups, ...setups]);
  expect(report.setups.map(({ samplesPerSecond }) => samplesPerSecond)).toEqual([10, 16, 20]);
  expect(report.efficiency).toBeCloseTo(0.9, 12);
  expect(report.againstThreads).toBeCloseTo(1.2, 12);
  expect(ranksText(report)).toContain('2 processes × 1 thread');
  expect(ranksText(report)).toContain('90 % of as many times one process');
});
