import type { VqKdConfig } from '@imglish/tokenizers';
import type { StepMetrics } from '@imglish/train';
import { percent, smoothed } from '../quickstart/report.js';
import { escapeHtml, imageTag, page, table } from '../report/html.js';
import { lineChart, type Series } from '../report/line-chart.js';
import type { Comparison, Reconstruction, StylePair } from './compare.js';

export interface VisualTokenizerReport {
  config: VqKdConfig;
  teacher: string;
  comparison: Comparison;
  /** Steps of this run, from its log. */
  metrics: readonly StepMetrics[];
}

const COLORS: Readonly<Record<string, string>> = {
  distillation: '#4c7bd9',
  commitment: '#b4482f',
  pixels: '#2a8a3e',
};

/** A page to look at a visual tokenizer: losses, pictures beside what their codes tell, two styles. */
export function visualTokenizerHtml(report: VisualTokenizerReport): string {
  const { config, teacher, comparison, metrics } = report;
  const { usage, reconstructions, styles } = comparison;
  const side = config.imageSize / config.patchSize;
  const used = `${usage.used} of ${usage.codes} (${percent(usage.used / usage.codes)})`;
  const rows = [
    ['codes in use', used],
    ['as many equally frequent codes', usage.perplexity.toFixed(0)],
    ...(styles
      ? [
          ['codes that agree between two styles', percent(styles.agreement)],
          ['between different emoji, by chance', percent(styles.chance)],
        ]
      : []),
  ];
  return page(
    'Visual tokenizer',
    `
<h1>Visual tokenizer</h1>
<p>${config.imageSize} × ${config.imageSize} px as ${side} × ${side} codes out of ${config.codes}; teacher: ${escapeHtml(teacher)}.</p>
${table(['', ''], rows)}
<p class="note">Counted on ${usage.pictures} pictures${styles ? `; styles on ${styles.pairs} emoji that training did not show, in ${styles.names.join(' and ')}` : ''}.</p>
<h2>Losses</h2>
${lossChart(metrics)}
<h2>Pictures and what their codes tell</h2>
<p class="note">Left the picture, right what the pixel decoder draws from its codes alone.</p>
${reconstructions.map(reconstruction).join('\n')}
${styles ? `<h2>The same emoji in two styles</h2>\n<p class="note">Codes that are the same at the same place are framed.</p>\n${styles.examples.map((pair) => stylePair(pair, side)).join('\n')}` : ''}`,
  );
}

function lossChart(metrics: readonly StepMetrics[]): string {
  const series = Object.entries(COLORS).flatMap(([name, color]): Series[] => {
    const points = smoothed(metrics, name);
    return points.length > 0 ? [{ name, points, color, baseline: undefined }] : [];
  });
  return lineChart({ title: 'training loss', xLabel: 'step', yLabel: 'mean', series, width: 940 });
}

function reconstruction({ original, drawn }: Reconstruction): string {
  const scale = scaleOf(original);
  const images = [original, ...(drawn ? [drawn] : [])].map((image) => imageTag(image, scale));
  return `<figure>${images.join(' ')}</figure>`;
}

function stylePair({ name, pictures }: StylePair, side: number): string {
  const [first, second] = pictures;
  const equal = [...first.codes].map((code, i) => (code === second.codes[i] ? 1 : 0));
  const share = percent(equal.reduce<number>((sum, value) => sum + value, 0) / equal.length);
  const cells = pictures.map((picture) => {
    const { original, drawn } = picture;
    const scale = scaleOf(original);
    return `${framed(imageTag(original, scale), original.width * scale, side, equal)}${drawn ? ` ${imageTag(drawn, scale)}` : ''}`;
  });
  return `<figure>${cells.join(' &nbsp; ')}<figcaption>${escapeHtml(name)} – ${share} of the codes agree</figcaption></figure>`;
}

/** An image with a frame around each patch of `marked`. */
function framed(tag: string, width: number, side: number, marked: readonly number[]): string {
  const cell = width / side;
  const frames = [...marked.keys()].filter((i) => marked[i] === 1);
  const rects = frames.map(
    (i) =>
      `<rect x="${(i % side) * cell + 1}" y="${Math.floor(i / side) * cell + 1}" width="${cell - 2}" height="${cell - 2}" fill="none" stroke="#2a8a3e" stroke-width="1.5"/>`,
  );
  return `<span style="position:relative;display:inline-block">${tag}<svg width="${width}" height="${width}" style="position:absolute;left:0;top:0">${rects.join('')}</svg></span>`;
}

function scaleOf({ width }: { width: number }): number {
  return Math.max(1, Math.round(128 / width));
}
