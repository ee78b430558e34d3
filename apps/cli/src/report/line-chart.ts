import { escapeHtml } from './html.js';

export interface Series {
  name: string;
  /** `[x, y]`, x ascending. */
  points: readonly (readonly [number, number])[];
  color: string;
  /** A level to compare with, drawn as a dashed line. */
  baseline?: number | undefined;
}

export interface LineChartOptions {
  title: string;
  xLabel: string;
  yLabel: string;
  series: readonly Series[];
  width?: number;
  height?: number;
}

const MARGIN = { left: 48, right: 16, top: 34, bottom: 40 };

/** A line chart as SVG, self-contained; axes start at 0 and end at a round number. */
export function lineChart(options: LineChartOptions): string {
  const { title, xLabel, yLabel, series, width = 720, height = 320 } = options;
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const ys = series.flatMap(({ points, baseline }) => [
    ...points.map(([, y]) => y),
    ...(baseline === undefined ? [] : [baseline]),
  ]);
  const [xTicks, yTicks] = [ticks(Math.max(1, ...xs)), ticks(Math.max(1e-6, ...ys))];
  const [xMax, yMax] = [xTicks.at(-1)!, yTicks.at(-1)!];
  const inner = {
    width: width - MARGIN.left - MARGIN.right,
    height: height - MARGIN.top - MARGIN.bottom,
  };
  const x = (value: number) => round(MARGIN.left + (value / xMax) * inner.width);
  const y = (value: number) => round(MARGIN.top + (1 - value / yMax) * inner.height);
  const grid = [
    ...yTicks.map(
      (tick) =>
        `<line x1="${x(0)}" x2="${x(xMax)}" y1="${y(tick)}" y2="${y(tick)}" class="grid"/>` +
        `<text x="${x(0) - 6}" y="${y(tick) + 4}" text-anchor="end">${number(tick)}</text>`,
    ),
    ...xTicks.map(
      (tick) => `<text x="${x(tick)}" y="${y(0) + 16}" text-anchor="middle">${number(tick)}</text>`,
    ),
  ];
  const lines = series.map(({ points, color, baseline }) => {
    const path = points.map(([px, py]) => `${x(px)},${y(py)}`).join(' ');
    const level =
      baseline === undefined
        ? ''
        : `<line x1="${x(0)}" x2="${x(xMax)}" y1="${y(baseline)}" y2="${y(baseline)}" stroke="${color}" stroke-dasharray="5 4" opacity="0.7"/>`;
    return `${level}<polyline points="${path}" fill="none" stroke="${color}" stroke-width="1.8"/>`;
  });
  let at = MARGIN.left;
  const legend = series.map(({ name, color }) => {
    const entry = `<rect x="${at}" y="${MARGIN.top - 12}" width="10" height="3" fill="${color}"/><text x="${at + 14}" y="${MARGIN.top - 6}">${escapeHtml(name)}</text>`;
    at += 28 + name.length * 6.4;
    return entry;
  });
  return [
    `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${escapeHtml(title)}">`,
    `<text x="${MARGIN.left}" y="14" class="title">${escapeHtml(title)}</text>`,
    ...grid,
    ...legend,
    ...lines,
    `<text x="${x(xMax)}" y="${height - 6}" text-anchor="end">${escapeHtml(xLabel)}</text>`,
    `<text x="12" y="${y(yMax / 2)}" transform="rotate(-90 12 ${y(yMax / 2)})" text-anchor="middle">${escapeHtml(yLabel)}</text>`,
    '</svg>',
  ].join('\n');
}

/** From 0 to the first round number that is not below `max`, about five steps. */
function ticks(max: number): number[] {
  const power = 10 ** Math.floor(Math.log10(max / 5));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((s) => max / s <= 6) ?? max;
  const count = Math.ceil(max / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
