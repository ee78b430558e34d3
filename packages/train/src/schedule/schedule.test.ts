import { readFileSync } from 'node:fs';
import { ConfigError } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { warmupCosine, warmupLinear } from './schedule.js';

interface Case {
  base_value: number;
  final_value: number;
  epochs: number;
  niter_per_ep: number;
  warmup_epochs?: number;
  warmup_steps?: number;
  sched_type?: string;
  values: number[];
}

const cases: Record<string, Case> = JSON.parse(
  readFileSync(
    new URL('../../../../fixtures/golden/optim/cosine_scheduler.json', import.meta.url),
    'utf8',
  ),
);

describe('schedule', () => {
  it.each(Object.entries(cases))('is the reference on %s', (_, entry) => {
    const schedule = (entry.sched_type === 'linear' ? warmupLinear : warmupCosine)({
      base: entry.base_value,
      final: entry.final_value,
      steps: entry.epochs * entry.niter_per_ep,
      warmupSteps: entry.warmup_steps ?? (entry.warmup_epochs ?? 0) * entry.niter_per_ep,
    });
    expect(entry.values).toHaveLength(entry.epochs * entry.niter_per_ep);
    entry.values.forEach((value, step) => {
      // Two libraries' cosines may differ in the last bit.
      expect(Math.abs(schedule(step) - value)).toBeLessThanOrEqual(4e-16 * entry.base_value);
    });
  });

  it('starts elsewhere than 0 when told', () => {
    const schedule = warmupCosine({ base: 3, final: 0, steps: 4, warmupSteps: 3, start: 1 });
    expect([0, 1, 2, 3].map(schedule)).toEqual([1, 2, 3, 3]);
  });

  it('refuses what cannot be', () => {
    const good = { base: 1, final: 0, steps: 10 };
    expect(() => warmupCosine({ ...good, steps: 0 })).toThrow(ConfigError);
    expect(() => warmupCosine({ ...good, warmupSteps: 11 })).toThrow(/0 to 10/);
    expect(() => warmupLinear({ ...good, base: Number.NaN })).toThrow(/base/);
    expect(() => warmupCosine(good)(10)).toThrow(/0 to 9/);
    expect(() => warmupCosine(good)(-1)).toThrow(ConfigError);
  });
});
