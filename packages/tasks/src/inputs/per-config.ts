import type { ModelConfig, Traceable } from '@imglish/core';

/** One function for each configuration: an executor compiles it once. */
export function perConfig(
  make: (config: ModelConfig) => Traceable,
): (config: ModelConfig) => Traceable {
  const made: WeakMap<ModelConfig, Traceable> = new WeakMap();
  return (config) => {
    const known = made.get(config) ?? make(config);
    made.set(config, known);
    return known;
  };
}
