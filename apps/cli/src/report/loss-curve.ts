import type { StepMetrics } from '@imglish/train';

/** Points of a curve, at most. */
const POINTS = 100;

/**
 * A loss over the steps that have it, as means over windows of one length, each at its last step; by
 * default the total.
 */
export function lossCurve(
  steps: readonly StepMetrics[],
  lossOf: (metrics: StepMetrics) => number | undefined = ({ total }) => total,
): [step: number, mean: number][] {
  const known = steps.flatMap((metrics): [number, number][] => {
    const loss = lossOf(metrics);
    return loss === undefined ? [] : [[metrics.step, loss]];
  });
  const size = Math.max(1, Math.ceil(known.length / POINTS));
  return Array.from({ length: Math.ceil(known.length / size) }, (_, i) => {
    const window = known.slice(i * size, (i + 1) * size);
    const mean = window.reduce((sum, [, loss]) => sum + loss, 0) / window.length;
    return [window.at(-1)![0], mean];
  });
}
