import type { StepMetrics } from '@imglish/train';
import { describe, expect, it } from 'vitest';
import { livePage } from './live-page.js';
import { liveServer } from './live-server.js';
import { RunHistory } from './run-view.js';
import { thinnedCurve } from './thinned-curve.js';

const metrics = (step: number): StepMetrics => ({
  step,
  losses: { text: 8 / step, image: 4 },
  counts: { text: 1, image: 1 },
  total: 4 + 8 / step,
  lr: 1e-3,
  gradientNorm: 2,
  samples: 4,
  timing: { seconds: step / 4, samplesPerSecond: 16 },
});
const MEMORY = { used: 1.24e9, peak: 2.5e9, free: 8e9 };

describe('a thinned curve', () => {
  it('has each step while there are few', () => {
    const curve = thinnedCurve(4);
    for (const step of [1, 2, 3]) curve.add(step, step * step);
    expect(curve.points()).toEqual([
      [1, 1],
      [2, 4],
      [3, 9],
    ]);
  });

  it('has means of neighbours when there are many, all of the same weight', () => {
    const curve = thinnedCurve(4);
    for (let step = 1; step <= 13; step++) curve.add(step, step);
    expect(curve.points()).toEqual([
      [4, 2.5],
      [8, 6.5],
      [12, 10.5],
      [13, 13],
    ]);
  });
});

describe('the page of a run', () => {
  it('shows curves, rate, time left, memory and the last warnings', () => {
    const history = new RunHistory('tiny <model>', 100, () => new Date(Date.UTC(2026, 0, 2, 3, 4)));
    for (const step of [1, 2, 3]) history.add(metrics(step), true);
    for (const step of [4, 5, 6]) history.add(metrics(step));
    history.warn({ kind: 'waiting-for-data', step: 5, seconds: 61, source: 'a.tar & b.tar' });
    history.say('second');
    const html = livePage(history, MEMORY);
    expect(html).toContain('tiny &lt;model&gt;');
    for (const fact of [
      '6 of 100',
      '4.0 steps/s',
      '24 s',
      '16.0/s',
      '1.2 GB',
      '2.5 GB',
      '8.0 GB',
    ]) {
      expect(html).toContain(`<b>${fact}</b>`);
    }
    const polylines = html.match(/<polyline points="[^"]+"/g)!;
    expect(polylines).toHaveLength(3 + 3);
    expect(polylines[0]!.split(',')).toHaveLength(6 + 1);
    const [second, first] = [html.indexOf('>second<'), html.indexOf('a.tar &amp; b.tar')];
    expect(second).toBeGreaterThan(0);
    expect(first).toBeGreaterThan(second);
    expect(html).toContain('2026-01-02 03:04:00');
  });

  it('needs nothing from elsewhere, and says so before the first step', () => {
    const html = livePage(new RunHistory('run', 10), MEMORY);
    expect(html).toContain('No step is done yet.');
    expect(html).not.toMatch(/(src|href)=|https?:|@import|url\(/);
  });

  it('keeps a bounded number of warnings and points', () => {
    const history = new RunHistory('run', 5000);
    for (let step = 1; step <= 3000; step++) history.add(metrics(step));
    for (let i = 0; i < 50; i++) history.say(`warning ${i}`);
    expect(history.losses.text!.points().length).toBeLessThanOrEqual(400);
    expect(history.warnings).toHaveLength(20);
    expect(history.warnings[0]!.text).toBe('warning 49');
  });
});

describe('the server', () => {
  it('serves the page as the run goes on, until it is closed', async () => {
    const live = await liveServer({ title: 'run', total: 8, port: 0 });
    live.past!(metrics(1));
    await live.step!(metrics(2));
    const response = await fetch(live.url);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await response.text()).toContain('<b>2 of 8</b>');
    await live.step!(metrics(3));
    live.message!('a checkpoint could not be written');
    const later = await (await fetch(live.url)).text();
    expect(later).toContain('<b>3 of 8</b>');
    expect(later).toContain('a checkpoint could not be written');
    expect((await fetch(new URL('favicon.ico', live.url))).status).toBe(404);
    await live.close!();
    await expect(fetch(live.url)).rejects.toThrow();
  });

  it('refuses a port that is taken', async () => {
    const live = await liveServer({ title: 'run', total: 8, port: 0 });
    const port = Number(new URL(live.url).port);
    const second = liveServer({ title: 'run', total: 8, port });
    await expect(second).rejects.toMatchObject({ code: 'config/port' });
    await live.close!();
  });
});
