import type {
  PretrainEvaluation,
  PretrainRecipe,
  Score,
  StreamEvaluation,
  WordGuess,
} from '@imglish/pretrain';
import type { StepMetrics } from '@imglish/train';
import { escapeHtml, imageTag, page, table } from '../report/html.js';
import { lineChart, type Series } from '../report/line-chart.js';
import type { QuickstartEvaluation } from './evaluation.js';
import type { FillIns, PictureFillIn, WordFillIn } from './fill-ins.js';
import type { QuickstartSettings } from './settings.js';

export interface QuickstartReport {
  settings: QuickstartSettings;
  backend: string;
  metrics: readonly StepMetrics[];
  evaluation: QuickstartEvaluation;
  fillIns: FillIns;
}

type Stream = keyof PretrainEvaluation;

/** What the parts of the objective are called for people. */
export const STREAM_NAMES: Readonly<Record<Stream, string>> = {
  text: 'words of a text alone',
  image: 'patches of an image alone',
  pairText: 'words of a caption, given its image',
  pairImage: 'patches of an image, given its caption',
};

const COLORS: Readonly<Record<Stream, string>> = {
  text: '#4c7bd9',
  image: '#d98a2b',
  pairText: '#2a8a3e',
  pairImage: '#b4482f',
};

/** Means over so many steps are drawn, so that one sees the trend and not the noise. */
const SMOOTHING = 10;

/** The report of a quickstart as one self-contained page. */
export function quickstartHtml(report: QuickstartReport): string {
  const { settings, backend, metrics, evaluation, fillIns } = report;
  const { config, recipe } = settings;
  const body = `
<h1>Imglish quickstart</h1>
<p>A BEiT-3 of ${config.layers} layers and width ${config.dim}, pretrained by filling in blanks for ${metrics.length} steps
of ${samplesPerStep(recipe)} (seed ${recipe.seed}, ${escapeHtml(backend)}).</p>
<h2>Losses</h2>
<p class="note">Mean over ${SMOOTHING} steps, in nats for each masked position. Dashed: always answering by how frequent each word or code is.</p>
${lossChart(metrics, evaluation.unseenConcepts)}
<h2>Blanks of unseen items</h2>
<h3>Concepts that training never showed</h3>
${scores(evaluation.unseenConcepts)}
<h3>Concepts it showed, in a drawing style it did not</h3>
${scores(evaluation.unseenStyle)}
<p class="note">In per cent: how often the most probable answer is right. Small: the loss, in nats for each blank. "Without its partner": the same blanks, the image left out for words, the caption for patches.</p>
<h2>Masked patches, filled in</h2>
<p class="note">Unseen concepts. Original, masked, filled in by the model's most probable visual codes.</p>
${fillIns.pictures.map(picture).join('\n')}
<h2>Masked words, filled in</h2>
${words(fillIns.words)}`;
  return page('Imglish quickstart', body);
}

/** What a step sees, in words. */
export function samplesPerStep({ mix, accumulate }: PretrainRecipe): string {
  const { text, image, pair } = mix;
  return `${text * accumulate} texts, ${image * accumulate} images and ${pair * accumulate} pairs`;
}

function lossChart(metrics: readonly StepMetrics[], evaluation: PretrainEvaluation): string {
  const streams = Object.keys(STREAM_NAMES) as Stream[];
  const series = streams.flatMap((stream): Series[] => {
    const points = smoothed(metrics, stream);
    if (points.length === 0) return [];
    const baseline = evaluation[stream]?.mostFrequent.loss;
    return [{ name: STREAM_NAMES[stream], points, color: COLORS[stream], baseline }];
  });
  return lineChart({ title: 'training loss', xLabel: 'step', yLabel: 'nats', series, width: 940 });
}

/** Mean loss of each window of steps. */
export function smoothed(metrics: readonly StepMetrics[], stream: string): [number, number][] {
  const points: [number, number][] = [];
  for (let i = 0; i < metrics.length; i += SMOOTHING) {
    const window = metrics.slice(i, i + SMOOTHING);
    const losses = window.flatMap(({ losses }) => losses[stream] ?? []);
    if (losses.length === 0) continue;
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    points.push([window.at(-1)!.step, mean]);
  }
  return points;
}

function scores(evaluation: PretrainEvaluation): string {
  const cell = (score: Score | undefined) =>
    score ? `${percent(score.accuracy)} <span class="note">${score.loss.toFixed(2)}</span>` : '–';
  const rows = (Object.entries(evaluation) as [Stream, StreamEvaluation][]).map(
    ([stream, { model, mostFrequent, withoutPartner }]) => [
      STREAM_NAMES[stream],
      String(model.count),
      `<b>${cell(model)}</b>`,
      cell(withoutPartner),
      cell(mostFrequent),
    ],
  );
  const head = ['', 'blanks', 'model', 'without its partner', 'most frequent answer'];
  return table(head, rows);
}

function picture({ original, masked, filled, caption, codes, expected }: PictureFillIn): string {
  const right = codes.filter((code, i) => code === expected[i]).length;
  const images = [original, masked, filled].map((image) => imageTag(image, 3, caption)).join(' ');
  return `<figure>${images}<figcaption>${escapeHtml(caption)} – ${right} of ${codes.length} codes right</figcaption></figure>`;
}

function words(examples: readonly WordFillIn[]): string {
  const rows = examples.map(({ image, blanked, answer, withImage, withoutImage }) => [
    imageTag(image, 2),
    escapeHtml(blanked).replaceAll('&lt;mask&gt;', '<span class="blank">&nbsp;?&nbsp;</span>'),
    escapeHtml(answer.map(readable).join('·')),
    guesses(withImage, answer),
    guesses(withoutImage, answer),
  ]);
  return table(['', 'caption', 'left out', 'with the image', 'without it'], rows);
}

function guesses(blanks: WordGuess[][], answer: readonly string[]): string {
  const groups = blanks.map((list, i) => {
    const lines = list.map(({ piece, probability }) => {
      const kind = piece === answer[i] ? 'right' : 'wrong';
      const bar = `<span class="bar" style="width:${Math.round(60 * probability)}px"></span>`;
      return `<div class="${kind}">${bar}${escapeHtml(readable(piece))} ${percent(probability)}</div>`;
    });
    return `<div class="guesses">${lines.join('')}</div>`;
  });
  return groups.join('');
}

function readable(piece: string): string {
  return piece.replaceAll('\u2581', ' ').trim() || '␣';
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
