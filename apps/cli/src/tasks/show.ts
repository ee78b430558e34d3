import type { Metrics } from '@imglish/tasks';
import type { Compared } from './report.js';

/** `name value` of each metric; those it is held against beside it, where there are some. */
export function metricLines(
  metrics: Metrics,
  { majority, chance, pixels, blindModel }: Compared = {},
): string[] {
  const beside = (name: string, others: Metrics | undefined, what: string) =>
    others?.[name] === undefined ? '' : `  ${what} ${number(others[name])}`;
  return Object.entries(metrics).map(
    ([name, value]) =>
      `${name.padEnd(14)} ${number(value)}${beside(name, blindModel, 'blind')}${beside(name, majority, 'majority')}${beside(name, pixels, 'pixels')}${beside(name, chance, 'chance')}`,
  );
}

function number(value: number): string {
  return value.toFixed(4);
}
