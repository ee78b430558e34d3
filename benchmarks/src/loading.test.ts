import { modelConfig } from '@imglish/core';
import { expect, it } from 'vitest';
import { loading } from './loading.js';
import { reportText } from './report.js';

it('loading measures every source beside the training step', async () => {
  const config = modelConfig({
    ...{ imageSize: [16, 16], patchSize: 2, vocabularySize: 40 },
    ...{ dim: 16, heads: 2, ffnDim: 32, layers: 1 },
  });
  const options = { rounds: 1, turnSeconds: 0.001 };
  const report = await loading(options, config, { pictures: 40, side: 24 });
  const { standings, absences } = report.cases[0]!;
  expect(absences).toEqual([]);
  const sides = standings.map(({ side }) => side);
  for (const source of ['tar', 'parquet', 'folder']) {
    expect(sides).toContain(`${source}, no threads`);
    expect(sides).toContain(`${source}, threads: 1`);
  }
  expect(standings.every(({ seconds, faster }) => seconds > 0 && faster > 0)).toBe(true);
  expect(reportText(report)).toMatch(/the training step .* ×/);
});
