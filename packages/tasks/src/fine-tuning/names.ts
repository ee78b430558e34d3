import { ConfigError } from '@imglish/core';

/**
 * Which names one of the patterns means; `*` stands for any characters. `config/no-parameter` for a
 * pattern that means none.
 */
export function namesLike(
  where: string,
  names: readonly string[],
  patterns: readonly string[],
): Set<string> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    const expression = new RegExp(`^${parts.join('.*')}$`);
    const matching = names.filter((name) => expression.test(name));
    if (matching.length === 0) {
      throw new ConfigError({
        code: 'config/no-parameter',
        where,
        expected: 'patterns of names of parameters, such as beit3.encoder.layers.0.*',
        got: `${JSON.stringify(pattern)}, which no name is like`,
      });
    }
    for (const name of matching) found.add(name);
  }
  return found;
}
