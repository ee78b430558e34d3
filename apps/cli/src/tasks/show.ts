import type { Metrics } from '@imglish/tasks';

/** `name value` of each metric; those of `majority` and `chance` beside it where there are some. */
export function metricLines(
  metrics: Metrics,
  { majority, chance }: { majority?: Metrics | undefined; chance?: Metrics | undefined } = {},
): string[] {
  const beside = (name: string, others: Metrics | undefined, what: string) =>
    others?.[name] === undefined ? '' : `  ${what} ${number(others[name])}`;
  return Object.entries(metrics).map(
    ([name, value]) =>
      `${name.padEnd(14)} ${number(value)}${beside(name, majority, 'majority')}${beside(name, chance, 'chance')}`,
  );
}

function number(value: number): string {
  return value.toFixed(4);
}
