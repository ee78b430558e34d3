import { describe, expect, it } from 'vitest';
import { memoryDirectory } from '../checkpoint/directory.js';
import { readModelDirectory } from '../checkpoint/model-directory.js';
import { writeSafetensors } from '../checkpoint/safetensors.js';
import { ImglishError } from '../errors/errors.js';
import { draw, type RandomStream } from '../random/random.js';
import { describeModel } from './describe.js';
import { parseModelJson } from './model-json.js';
import { PRESET_NAMES, preset } from './presets.js';

/** Values that a hostile or damaged configuration may hold anywhere. */
const WRONG: unknown[] = [
  null,
  true,
  '',
  'paper',
  -1,
  0,
  0.5,
  1e9,
  2 ** 53 - 1,
  1e308,
  [],
  [null],
  [[]],
  {},
  { way: 'A' },
  [{ way: 'C', positions: 2 ** 40 }],
  'x'.repeat(10_000),
  Array(1000).fill({ way: 'C', positions: 9 }),
];

/** Replaces, removes or adds a value somewhere in the JSON, or damages its text. */
function mutate(json: object, random: RandomStream): string {
  const copy = structuredClone(json) as Record<string, Record<string, unknown>>;
  const part = copy[random.integer(4) === 0 ? 'head' : 'model']!;
  const keys = [...Object.keys(part), 'surplus', '__proto__', 'x'.repeat(5000)];
  const key = keys[random.integer(keys.length)]!;
  const wrong = WRONG[random.integer(WRONG.length)];
  if (random.integer(5) === 0) delete part[key];
  else Object.defineProperty(part, key, { value: wrong, enumerable: true, configurable: true });
  let text = JSON.stringify(random.integer(20) === 0 ? wrong : copy);
  if (random.integer(4) === 0) {
    const at = random.integer(text.length + 1);
    text =
      text.slice(0, at) +
      ['{', '"', '\u0000', '9'.repeat(400), '[['][random.integer(5)]! +
      text.slice(at + random.integer(3));
  }
  return text;
}

async function attempt(text: string): Promise<string> {
  const directory = memoryDirectory();
  const config = await directory.create('config.json');
  await config.write(new TextEncoder().encode(text));
  await config.close();
  await writeSafetensors(await directory.create('model.safetensors'), []);
  const start = process.cpuUsage();
  try {
    const files = await readModelDirectory(directory);
    // What is accepted is used: counting goes through every parameter's name and shape.
    describeModel(parseModelJson(files.config).model);
    return 'read';
  } catch (error) {
    if (!ImglishError.isInstance(error)) throw error;
    expect(error.message.length).toBeLessThan(5000);
    return error.code;
  } finally {
    const { user, system } = process.cpuUsage(start);
    expect(user + system).toBeLessThan(2e6);
  }
}

describe('config.json', () => {
  it('damaged anywhere is read or refused with a typed error, soon', async () => {
    const outcomes = new Map<string, number>();
    for (let i = 0; i < 3000; i++) {
      const random = draw(1, 'config fuzz', 0, i);
      const model = preset(PRESET_NAMES[random.integer(PRESET_NAMES.length)]!);
      const head = { task: 'masked-data-modelling', options: { codes: 128 } };
      const outcome = await attempt(mutate({ model, head }, random));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // All ways to be wrong occur, and not everything is refused.
    for (const code of ['read', 'config/unknown-key', 'config/invalid-value', 'checkpoint/json']) {
      expect(outcomes.get(code), code).toBeGreaterThan(10);
    }
  });
});
