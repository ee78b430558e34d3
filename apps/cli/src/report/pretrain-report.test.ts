import type { StepMetrics } from '@imglish/train';
import { expect, it } from 'vitest';
import { pretrainReport } from './pretrain-report.js';

const steps = Array.from(
  { length: 250 },
  (_, i): StepMetrics => ({
    step: i + 1,
    losses: { text: 4 - i / 100, contrastive: 2, ...(i % 2 ? { pixels: 1 } : {}) },
    counts: { text: 7, contrastive: 16, pixels: 5 },
    ...{ total: 6, lr: 0.1, gradientNorm: 1, samples: 8 },
    timing: { seconds: i, samplesPerSecond: 1 },
  }),
);

it('has a chart for each objective, with a curve for each of its parts that was learnt', () => {
  const objectives = {
    'masked-data-modelling': 1,
    'image-text-contrastive': 0.5,
    'pixel-regression': 0,
  };
  const html = pretrainReport({ objectives, mix: { text: 2, image: 1, pair: 4 } }, steps);
  const titles = [...html.matchAll(/aria-label="([^"]+)"/g)].map(([, title]) => title);
  expect(titles).toEqual([
    'masked-data-modelling, weight 1',
    'image-text-contrastive, weight 0.5',
    'pixel-regression, weight 0',
  ]);
  const curves = [...html.matchAll(/<polyline points="([^"]+)"/g)].map(([, p]) => p!.split(' '));
  // 250 steps in windows of 3, and 125 in windows of 2.
  expect(curves.map(({ length }) => length)).toEqual([84, 84, 63]);
  expect(html).toContain('2 texts, 1 images and 4 pairs');
  expect(html).toMatch(/<td>text<\/td><td>3\.9900<\/td><td><b>1\.5100<\/b><\/td><td>7<\/td>/);
});

it('is there for a run without a step, too', () => {
  const mix = { text: 2, image: 2, pair: 2 };
  expect(pretrainReport({ objectives: { 'language-modelling': 1 }, mix }, [])).toContain('0 steps');
});
