import type { Dataset } from '@imglish/core';

/** Knows which examples have been asked for and have not come. */
export interface Waiting {
  /** The same data, watched. */
  watch<T>(name: string, data: Dataset<T>): Dataset<T>;
  /** The first of them, in words. */
  describe(): string;
}

export function waiting(): Waiting {
  const asked = new Set<string>();
  return {
    watch<T>(name: string, data: Dataset<T>): Dataset<T> {
      return {
        size: data.size,
        ...(data.parts ? { parts: data.parts } : {}),
        async get(index) {
          const example = `example ${index} of the ${name}`;
          asked.add(example);
          return data.get(index).finally(() => asked.delete(example));
        },
      };
    },
    describe() {
      const [first] = asked;
      if (first === undefined) return 'examples that are there are being made a batch of';
      return asked.size === 1 ? first : `${first}, and ${asked.size - 1} others`;
    },
  };
}
