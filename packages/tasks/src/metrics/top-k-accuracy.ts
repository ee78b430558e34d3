import { checkSameLength, mean } from './same-length.js';

/**
 * The share 0 … 1 of examples whose class is among the first `k` of their ranking.
 *
 * @param rankings Classes of each example, the most probable first.
 * @throws DataError `data/metric-length`.
 */
export function topKAccuracy(
  rankings: readonly (readonly number[])[],
  labels: readonly number[],
  k: number,
): number {
  checkSameLength('topKAccuracy', rankings.length, labels.length);
  return mean(rankings.map((ranking, i) => (ranking.slice(0, k).includes(labels[i]!) ? 1 : 0)));
}
