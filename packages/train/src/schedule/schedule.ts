import { ConfigError } from '@imglish/core';

/** Learning rate of a step, counted from 0. */
export type Schedule = (step: number) => number;

export interface WarmupScheduleOptions {
  /** Highest learning rate: end of the warm-up, beginning of the decay. */
  base: number;
  /** Where the decay is heading. */
  final: number;
  /** Steps of the whole run, warm-up included. */
  steps: number;
  /** Steps of the warm-up; 0 for none. */
  warmupSteps?: number;
  /** Learning rate of the first step of the warm-up. */
  start?: number;
}

/**
 * Linear warm-up, then half a cosine.
 *
 * With w = warmupSteps and n = steps − w: step s < w has start + s·(base − start)/(w − 1), both ends
 * included; after that final + ½·(base − final)·(1 + cos(π·(s − w)/n)), whose last value lies just
 * above `final`. Reference: beit3/utils.py `cosine_scheduler`.
 *
 * @throws ConfigError `train/schedule` for a number that cannot be, or a step outside the run.
 */
export function warmupCosine(options: WarmupScheduleOptions): Schedule {
  const { base, final } = options;
  return withWarmup('warmupCosine', options, (i, n) => {
    return final + 0.5 * (base - final) * (1 + Math.cos((Math.PI * i) / n));
  });
}

/**
 * Linear warm-up, then a straight line from `base` to `final`, both ends included.
 * Reference: beit3/utils.py `cosine_scheduler` with `sched_type="linear"`.
 *
 * @throws ConfigError `train/schedule` as `warmupCosine`.
 */
export function warmupLinear(options: WarmupScheduleOptions): Schedule {
  const { base, final } = options;
  return withWarmup('warmupLinear', options, (i, n) => line(base, final, i, n));
}

function withWarmup(
  where: string,
  { base, final, steps, warmupSteps = 0, start = 0 }: WarmupScheduleOptions,
  decay: (step: number, steps: number) => number,
): Schedule {
  check(where, 'a positive whole number of steps', Number.isInteger(steps) && steps > 0, steps);
  check(
    where,
    `warmupSteps from 0 to ${steps}`,
    Number.isInteger(warmupSteps) && warmupSteps >= 0 && warmupSteps <= steps,
    warmupSteps,
  );
  for (const [name, value] of Object.entries({ base, final, start })) {
    check(
      where,
      `a finite learning rate ${name} of at least 0`,
      value >= 0 && value < Infinity,
      value,
    );
  }
  return (step) => {
    check(
      where,
      `a step from 0 to ${steps - 1}`,
      Number.isInteger(step) && step >= 0 && step < steps,
      step,
    );
    if (step < warmupSteps) return line(start, base, step, warmupSteps);
    return decay(step - warmupSteps, steps - warmupSteps);
  };
}

/** Point i of n evenly spaced ones from a to b; exactly b at the end. */
function line(a: number, b: number, i: number, n: number): number {
  if (n === 1) return a;
  return i === n - 1 ? b : a + i * ((b - a) / (n - 1));
}

function check(where: string, expected: string, ok: boolean, got: number): void {
  if (!ok) throw new ConfigError({ code: 'train/schedule', where, expected, got: String(got) });
}
