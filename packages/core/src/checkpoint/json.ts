import type { ByteSource } from '../bytes/bytes.js';
import { CheckpointError } from '../errors/errors.js';
import { refuse } from './refuse.js';

/** Longest JSON file that is read; those of a model directory take a few kilobytes. */
const MAX_JSON_BYTES = 8 * 2 ** 20;

/** Reads a JSON file that holds an object; `checkpoint/json` otherwise. */
export async function readJsonObject(source: ByteSource): Promise<Record<string, unknown>> {
  if (source.size > MAX_JSON_BYTES) {
    refuse(
      'json',
      'readJsonObject',
      `at most ${MAX_JSON_BYTES} bytes`,
      `${source.size} in ${source.name}`,
    );
  }
  const text = new TextDecoder().decode(await source.read(0, source.size));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError({
      code: 'checkpoint/json',
      where: 'readJsonObject',
      expected: `JSON in ${source.name}`,
      got: cause instanceof Error ? cause.message : 'something else',
      cause,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('json', 'readJsonObject', `an object in ${source.name}`, 'another JSON value');
  }
  return value as Record<string, unknown>;
}
