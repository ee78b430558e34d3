import { describe, expect, it } from 'vitest';
import { lineChart } from './line-chart.js';

describe('lineChart', () => {
  it('draws every series within its frame, with baselines and escaped names', () => {
    const svg = lineChart({
      title: 'losses',
      xLabel: 'step',
      yLabel: 'nats',
      series: [
        {
          name: 'a<b',
          color: '#123456',
          points: [
            [0, 4],
            [50, 2],
            [100, 1],
          ],
          baseline: 3,
        },
        {
          name: 'second',
          color: 'red',
          points: [
            [0, 7.3],
            [100, 0.5],
          ],
        },
      ],
    });
    expect(svg.match(/<polyline/g)).toHaveLength(2);
    expect(svg.match(/stroke-dasharray/g)).toHaveLength(1);
    expect(svg).toContain('a&lt;b');
    const points = [...svg.matchAll(/points="([^"]+)"/g)].flatMap(([, list]) => list!.split(' '));
    for (const point of points) {
      const [x, y] = point.split(',').map(Number) as [number, number];
      expect(x).toBeGreaterThanOrEqual(48);
      expect(x).toBeLessThanOrEqual(704);
      expect(y).toBeGreaterThanOrEqual(34);
      expect(y).toBeLessThanOrEqual(280);
    }
  });

  it('draws one point, and nothing', () => {
    const chart = { title: 't', xLabel: 'x', yLabel: 'y' };
    expect(lineChart({ ...chart, series: [] })).not.toContain('NaN');
    const one = lineChart({ ...chart, series: [{ name: 'a', color: 'red', points: [[1, 2]] }] });
    expect(one).not.toContain('NaN');
  });
});
