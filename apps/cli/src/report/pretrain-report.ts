import { OBJECTIVE_NAMES, OBJECTIVES, type PretrainRecipe } from '@imglish/pretrain';
import type { StepMetrics } from '@imglish/train';
import { escapeHtml, page, table } from './html.js';
import { lineChart } from './line-chart.js';
import { lossCurve } from './loss-curve.js';

const COLORS = ['#4c7bd9', '#2a8a3e', '#b4482f', '#8a5cc2'] as const;

/** How a model was pretrained, as one self-contained page: a chart for each objective, a curve for each part of its loss. */
export function pretrainReport(
  recipe: Pick<PretrainRecipe, 'objectives' | 'mix'>,
  steps: readonly StepMetrics[],
): string {
  const last = steps.at(-1);
  const curve = (part: string) => lossCurve(steps, ({ losses }) => losses[part]);
  const charts = OBJECTIVE_NAMES.flatMap((name) => {
    const weight = recipe.objectives[name];
    if (weight === undefined) return [];
    const series = OBJECTIVES[name].parts
      .map((part, i) => ({ name: part, points: curve(part), color: COLORS[i]! }))
      .filter(({ points }) => points.length > 0);
    const title = `${name}, weight ${weight}`;
    const size = { xLabel: 'step', width: 460, height: 260 };
    const yLabel = name === 'pixel-regression' ? 'mean square error' : 'nats';
    return [lineChart({ ...size, title, yLabel, series })];
  });
  const rows = Object.entries(last?.losses ?? {}).map(([part, loss]) => [
    escapeHtml(part),
    curve(part)[0]![1].toFixed(4),
    `<b>${loss.toFixed(4)}</b>`,
    String(last!.counts[part]),
  ]);
  const { text, image, pair } = recipe.mix;
  const body = `
<h1>Pretraining</h1>
<p>${last?.step ?? 0} steps; a micro-batch has ${text} texts, ${image} images and ${pair} pairs.</p>
${charts.join('\n')}
<h2>Losses</h2>
${table(['part', 'at first', 'at last', 'predictions in a step'], rows)}`;
  return page('pretraining: report', body);
}
