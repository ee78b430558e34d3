import { escapeHtml, page, table } from '../report/html.js';
import { lineChart, type Series } from '../report/line-chart.js';
import type { RunView } from './run-view.js';
import type { ThinnedCurve } from './thinned-curve.js';

/** Bytes. */
export interface Memory {
  /** Of this process, now. */
  readonly used: number;
  /** The most it has been. */
  readonly peak: number;
  readonly free: number;
}

const COLORS = ['#4c7bd9', '#d9734c', '#3f9d63', '#a05fc4', '#b8962e', '#c4517f', '#4aa3b5'];

/** Replaces what is shown every two seconds; without scripts the page loads itself anew. */
const HEAD = `<noscript><meta http-equiv="refresh" content="5"></noscript>
<style>
.facts { display: flex; flex-wrap: wrap; gap: .6rem 1.6rem; margin: 1rem 0; } .facts b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.done { height: .5rem; background: var(--soft); border-radius: 4px; } .done i { display: block; height: 100%; background: #4c7bd9; border-radius: 4px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 1rem; } .charts :first-child { grid-column: 1 / -1; } .charts svg { width: 100%; }
.gone { display: none; } body.away .gone { display: block; color: #b4482f; }
</style>
<script>
setInterval(async () => {
  try {
    const text = await (await fetch(location.href, { cache: 'no-store' })).text();
    const next = new DOMParser().parseFromString(text, 'text/html');
    document.body.innerHTML = next.body.innerHTML;
    document.title = next.title;
    document.body.classList.remove('away');
  } catch {
    document.body.classList.add('away');
  }
}, 2000);
</script>`;

/** A page that shows how a run goes, and needs nothing besides itself. */
export function livePage(view: RunView, memory: Memory): string {
  const { title, total, last } = view;
  const step = last?.step ?? 0;
  const share = Math.min(100, (100 * step) / total);
  const body = `<h1>${escapeHtml(title)}</h1>
<p class="gone">This run has ended, or cannot be reached; below is what was last known of it.</p>
<div class="done"><i style="width: ${share.toFixed(1)}%"></i></div>
<div class="facts">${facts(view, memory)
    .map(([name, value]) => `<div>${name}<b>${escapeHtml(value)}</b></div>`)
    .join('')}</div>
${last ? `<div class="charts">${charts(view)}</div>` : '<p>No step is done yet.</p>'}
<h2>Last warnings</h2>
${warnings(view)}`;
  return page(`${Math.floor(share)} % ${title}`, body, HEAD);
}

function facts(view: RunView, { used, peak, free }: Memory): [string, string][] {
  const { last, total, rate, secondsLeft } = view;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  return [
    ['Step', `${last?.step ?? 0} of ${total}`],
    ['Loss', last ? last.total.toPrecision(4) : '–'],
    ['Rate', rate > 0 ? rateOf(rate) : '–'],
    ['Samples', last ? `${last.timing.samplesPerSecond.toPrecision(3)}/s` : '–'],
    ['Time left', secondsLeft === undefined ? '–' : durationOf(secondsLeft)],
    ['Memory', gigabytes(used)],
    ['Peak', gigabytes(peak)],
    ['Free', gigabytes(free)],
  ];
}

function charts(view: RunView): string {
  const { losses, lr, gradientNorm, samplesPerSecond } = view;
  const streams = Object.entries(losses).map(([name, curve], i): Series => {
    return { name, points: curve.points(), color: COLORS[i % COLORS.length]! };
  });
  const chart = (title: string, yLabel: string, series: readonly Series[], size = {}) =>
    lineChart({ title, xLabel: 'step', yLabel, series, ...size });
  const single = (title: string, yLabel: string, curve: ThinnedCurve) => {
    const series = [{ name: title, points: curve.points(), color: COLORS[0]! }];
    return chart(title, yLabel, series, { width: 460, height: 220 });
  };
  return [
    chart('Losses', 'mean', streams, { width: 960, height: 340 }),
    single('Learning rate', '', lr),
    single('Gradient norm', 'before clipping', gradientNorm),
    single('Speed', 'samples/s', samplesPerSecond),
  ].join('\n');
}

function warnings({ warnings }: RunView): string {
  if (warnings.length === 0) return '<p class="note">None.</p>';
  const time = (at: Date) => at.toISOString().slice(0, 19).replace('T', ' ');
  return table(
    ['UTC', 'what'],
    warnings.map(({ at, text }) => [time(at), escapeHtml(text)]),
  );
}

function rateOf(rate: number): string {
  return rate >= 1 ? `${rate.toFixed(1)} steps/s` : `${(1 / rate).toFixed(1)} s a step`;
}

function durationOf(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
