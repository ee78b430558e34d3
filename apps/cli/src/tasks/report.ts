import type { Dataset, RgbImage } from '@imglish/core';
import type { Baselines, Evaluation, Metrics, Task, ValidationScore } from '@imglish/tasks';
import { resize } from '@imglish/tokenizers';
import { escapeHtml, imageTag, page, table } from '../report/html.js';
import { lineChart } from '../report/line-chart.js';
import { lossCurve } from '../report/loss-curve.js';
import type { RunHistory } from './run-history.js';
import { judgeOf, type Verdict } from './verdicts.js';

export interface TaskReport {
  task: Task;
  /** What was scored, in words. */
  subject: string;
  labels: readonly string[];
  data: Dataset<object>;
  evaluation: Evaluation;
  compared: Compared;
  history: RunHistory;
}

/** What a model's metrics are held against. */
export interface Compared extends Baselines {
  /** A model that was tuned without seeing the images. */
  readonly blindModel?: Metrics | undefined;
}

/** Examples of each kind. */
const SHOWN = 12;
/** Width for the images of an example, pixels. */
const WIDTH = 192;
const [BLUE, GREEN] = ['#4c7bd9', '#2a8a3e'];

/** A model's scores, how it learnt, and what it gets right and wrong, as one self-contained page. */
export async function taskReport(report: TaskReport): Promise<string> {
  const { task, subject, evaluation, compared, history, labels } = report;
  const judge = judgeOf(task.name);
  const verdicts = judge.verdicts(evaluation, labels);
  const { good, bad } = chosen(verdicts, judge.graded !== undefined);
  const measure = judge.graded ? `, by ${judge.graded}` : '';
  const body = `
<h1>${escapeHtml(task.name)}</h1>
<p>${escapeHtml(subject)}</p>
${metricTable(evaluation.metrics, compared)}
${curves(history, evaluation.metrics, compared)}
<h2>${judge.graded ? `Nearest to what is right${measure}` : 'Right'}</h2>
${await cards(good, verdicts, report)}
<h2>${judge.graded ? `Farthest from it${measure}` : 'Wrong'}</h2>
${await cards(bad, verdicts, report)}`;
  return page(`${task.name}: report`, body);
}

const COLUMNS: readonly (readonly [keyof Compared, string])[] = [
  ['blindModel', 'blind model'],
  ['majority', 'most frequent answer'],
  ['pixels', 'near in pixels'],
  ['chance', 'chance'],
];

function metricTable(metrics: Metrics, compared: Compared): string {
  const columns = COLUMNS.filter(([key]) => compared[key]);
  const cell = (value: number | undefined) => value?.toFixed(4) ?? '–';
  const rows = Object.entries(metrics).map(([name, value]) => [
    escapeHtml(name),
    `<b>${cell(value)}</b>`,
    ...columns.map(([key]) => cell(compared[key]![name])),
  ]);
  return table(['', 'model', ...columns.map(([, title]) => title)], rows);
}

/** The loss and the first metric over the steps of training. */
function curves(
  { steps, scores }: RunHistory,
  metrics: Metrics,
  { majority, blindModel }: Compared,
): string {
  if (steps.length === 0) return '';
  const [name] = Object.keys(metrics) as [string];
  const common = { xLabel: 'step', width: 460, height: 260 };
  const loss = lineChart({
    ...common,
    title: 'loss of training',
    yLabel: 'nats',
    series: [{ name: 'training', points: lossCurve(steps), color: BLUE }],
  });
  const level = blindModel ?? majority;
  const score = lineChart({
    ...common,
    title: `${name} of validation`,
    yLabel: name,
    series: [{ name, points: scoreCurve(scores, name), color: GREEN, baseline: level?.[name] }],
  });
  const dashed = blindModel ? 'the blind model' : 'the most frequent answer';
  const note = level?.[name] === undefined ? '' : `<p class="note">Dashed: ${dashed}.</p>`;
  return `<h2>How it learnt</h2>\n${loss}${scores.length > 0 ? score + note : ''}`;
}

function scoreCurve(scores: readonly ValidationScore[], name: string): [number, number][] {
  return scores.flatMap(({ step, metrics }) =>
    metrics[name] === undefined ? [] : [[step, metrics[name]]],
  );
}

/** Which examples are shown: of grades the ends, of right and wrong some spread over all. */
export function chosen(
  verdicts: readonly Pick<Verdict, 'score'>[],
  graded: boolean,
): { good: number[]; bad: number[] } {
  const all = [...verdicts.keys()];
  if (graded) {
    const order = all.sort((a, b) => verdicts[b]!.score - verdicts[a]!.score);
    const count = Math.min(SHOWN, Math.floor(order.length / 2));
    return { good: order.slice(0, count), bad: order.slice(order.length - count).reverse() };
  }
  const spread = (indices: number[]) => {
    const count = Math.min(SHOWN, indices.length);
    return Array.from(
      { length: count },
      (_, i) => indices[Math.floor((i * indices.length) / count)]!,
    );
  };
  return {
    good: spread(all.filter((i) => verdicts[i]!.score >= 0.5)),
    bad: spread(all.filter((i) => verdicts[i]!.score < 0.5)),
  };
}

async function cards(
  indices: readonly number[],
  verdicts: readonly Verdict[],
  { task, data }: TaskReport,
): Promise<string> {
  const { graded } = judgeOf(task.name);
  if (indices.length === 0) return '<p class="note">None.</p>';
  const shown: string[] = [];
  for (const index of indices) {
    const { said, right, found, score } = verdicts[index]!;
    const query: Query = task.query(await data.get(index));
    const own = query.images ?? (query.image ? [query.image] : []);
    const images = found ? await Promise.all(found.map((i) => imageAt(task, data, i))) : own;
    const tags = images.map((image, i) =>
      picture(image, Math.floor(WIDTH / images.length), found && found[i] === index),
    );
    const asked = query.question ?? query.statement ?? query.text ?? query.texts?.[0];
    const kind = graded ? '' : score >= 0.5 ? 'right' : 'wrong';
    shown.push(
      [
        `<figure class="card"><div>${tags.join(' ')}</div><figcaption>`,
        asked === undefined ? '' : `<p class="asked">${escapeHtml(asked)}</p>`,
        `<p>model: <b class="${kind}">${escapeHtml(said[0]!)}</b>${others(said)}</p>`,
        `<p>right: <b>${escapeHtml(right[0]!)}</b>${others(right)}</p>`,
        '</figcaption></figure>',
      ].join('\n'),
    );
  }
  return `<div class="cards">${shown.join('\n')}</div>`;
}

/** All that the queries of the tasks may have. */
interface Query {
  image?: RgbImage;
  images?: readonly RgbImage[];
  question?: string;
  statement?: string;
  text?: string;
  texts?: readonly string[];
}

async function imageAt(task: Task, data: Dataset<object>, index: number): Promise<RgbImage> {
  return (task.query(await data.get(index)) as { image: RgbImage }).image;
}

function others(lines: readonly string[]): string {
  return lines
    .slice(1)
    .map((line) => `<br><span class="note">${escapeHtml(line)}</span>`)
    .join('');
}

/** An image of `side` pixels at most, a small one enlarged. */
function picture(image: RgbImage, side: number, isOwn: boolean | undefined): string {
  const own = Math.max(image.width, image.height);
  const scaled = (length: number) => Math.max(1, Math.round((length * side) / own));
  const fitting = own > side ? resize(image, scaled(image.width), scaled(image.height)) : image;
  const tag = imageTag(fitting, Math.max(1, Math.floor(side / own)));
  return isOwn ? `<span class="own">${tag}</span>` : tag;
}
