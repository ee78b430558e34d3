import { describe, expect, it } from 'vitest';
import { createProgress, type ProgressReport } from './progress.js';

function recorder() {
  const updates: ProgressReport[] = [];
  const finished: ProgressReport[] = [];
  const renderer = {
    update: (report: ProgressReport) => void updates.push(report),
    finish: (report: ProgressReport) => void finished.push(report),
  };
  return { updates, finished, renderer };
}

describe('createProgress', () => {
  it('reports rate, time left and losses', () => {
    const { updates, finished, renderer } = recorder();
    let time = 1000;
    const progress = createProgress('work', 10, renderer, { now: () => time });
    time += 500;
    progress.advance();
    time += 500;
    progress.set(4, { caption: 2.5 });
    progress.finish();
    expect(updates).toEqual([
      { label: 'work', step: 1, total: 10, rate: 2, secondsLeft: 4.5 },
      { label: 'work', step: 4, total: 10, rate: 4, secondsLeft: 1.5, losses: { caption: 2.5 } },
    ]);
    expect(finished).toEqual([updates[1]]);
  });

  it('follows a change of speed', () => {
    const { updates, renderer } = recorder();
    let time = 0;
    const progress = createProgress('work', 1e6, renderer, { now: () => time });
    for (let i = 0; i < 100; i++) {
      time += 10;
      progress.advance();
    }
    expect(updates.at(-1)!.rate).toBeCloseTo(100, 6);
    for (let i = 0; i < 20; i++) {
      time += 1000;
      progress.advance();
    }
    expect(updates.at(-1)!.rate).toBeCloseTo(1, 6);
  });

  it('does not count what was done before', () => {
    const { updates, renderer } = recorder();
    let time = 0;
    const progress = createProgress('work', 1000, renderer, { start: 900, now: () => time });
    time += 1000;
    progress.set(910);
    expect(updates[0]).toMatchObject({ rate: 10, secondsLeft: 9 });
  });
});
