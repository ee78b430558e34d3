import { JSONParser } from '@streamparser/json';
import { recordError } from './record-error.js';
import type { Placed } from './text-lines.js';

/** An element of one of the lists of a JSON file. */
export interface JsonElement extends Placed {
  /** Name of the list. */
  readonly list: string;
}

/**
 * The elements of the lists `names` of a JSON file `{"…": […], …}`, in the order of the file.
 *
 * The file is parsed as it arrives and only one element is kept, so it may be larger than memory.
 * Throws a `DataError`: `data/bad-json` (broken, or cut short), `data/missing-list` where a list is
 * absent or empty.
 */
export async function* jsonElements(
  pieces: AsyncIterable<Uint8Array>,
  name: string,
  names: readonly string[],
): AsyncGenerator<JsonElement> {
  const parser = new JSONParser({ paths: names.map((list) => `$.${list}.*`), keepStack: false });
  let found: JsonElement[] = [];
  const seen = new Set<string>();
  parser.onValue = ({ value, key, stack }) => {
    const list = String(stack[1]?.key);
    seen.add(list);
    found.push({ list, value, place: `${name}, ${list}[${key}]` });
  };
  const feed = (action: () => void): void => {
    try {
      action();
    } catch (cause) {
      const got = (cause as Error).message;
      const expected = 'one JSON object, whole';
      const fix = 'The file is damaged or cut short; fetch it again.';
      throw recordError('bad-json', name, expected, got, { fix, cause });
    }
  };
  for await (const piece of pieces) {
    feed(() => parser.write(piece));
    yield* found;
    found = [];
  }
  if (!parser.isEnded) feed(() => parser.end());
  const missing = names.filter((list) => !seen.has(list));
  if (missing.length > 0) {
    const expected = `the list "${missing.join('" and "')}" with at least one element`;
    throw recordError('missing-list', name, expected, 'none', {
      fix: 'Is it another file of the data set?',
    });
  }
}
