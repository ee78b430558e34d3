import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { goldenBytes } from '../../test/checkpoint/fixtures.js';
import { pickleOf, textOf, torchFileOf } from '../../test/checkpoint/pickles.js';
import { type ByteSource, bytesSource } from '../bytes/bytes.js';
import { ImglishError } from '../errors/errors.js';
import { draw, type RandomStream } from '../random/random.js';
import { openCheckpoint } from './open-checkpoint.js';

const MIB = 2 ** 20;

/**
 * Opens a file and reads all its tensors. Whatever the bytes are, the outcome must be success or a
 * typed error, within two seconds of CPU and 64 MB + 4 × the file of memory.
 */
async function attempt(bytes: Uint8Array): Promise<string> {
  const memoryLimit = 64e6 + 4 * bytes.byteLength;
  const source = bytesSource(bytes);
  const limited: ByteSource = {
    ...source,
    async read(offset: number, length: number): Promise<Uint8Array> {
      if (length > bytes.byteLength) throw new ImglishError(tooLong(length));
      return source.read(offset, length);
    },
  };
  collectGarbage();
  const memoryBefore = used();
  const start = process.cpuUsage();
  let outcome = 'read';
  try {
    const file = await openCheckpoint(limited);
    let largest = 0;
    for (const tensor of file.tensors.values()) {
      const data = await tensor.read();
      largest = Math.max(largest, data.byteLength);
    }
    expect(largest).toBeLessThanOrEqual(memoryLimit);
  } catch (error) {
    if (!ImglishError.isInstance(error)) throw error;
    outcome = error.code;
    expect(error.message.length).toBeLessThan(5000);
  }
  const { user, system } = process.cpuUsage(start);
  expect(user + system).toBeLessThan(2e6);
  expect(used() - memoryBefore).toBeLessThan(memoryLimit);
  return outcome;
}

function tooLong(length: number) {
  const expected = 'a read within the file';
  return { code: 'test/too-long', where: 'fuzz', expected, got: `${length} bytes` };
}

setFlagsFromString('--expose-gc');
/** So that what earlier cases left behind is not counted as this one's. */
const collectGarbage = runInNewContext('gc') as () => void;

function used(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Numbers that lengths and offsets in files get wrong. */
const EDGES = [0n, 1n, 0x7fn, 0xffn, 0xffffn, 2n ** 31n - 1n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n];

/** Changes a file in one to four places, mostly within `[begin, end)`, where its structure lies. */
function mutate(original: Uint8Array, begin: number, end: number, random: RandomStream) {
  let bytes: Uint8Array = original.slice();
  const changes = 1 + random.integer(4);
  for (let i = 0; i < changes && bytes.length > 0; i++) {
    const inside = random.integer(8) > 0;
    const low = inside ? Math.min(begin, bytes.length - 1) : 0;
    const high = inside ? Math.min(end, bytes.length) : bytes.length;
    const at = low + random.integer(Math.max(high - low, 1));
    const length = 1 + random.integer(16);
    switch (random.integer(7)) {
      case 0:
        bytes[at]! ^= 1 << random.integer(8);
        break;
      case 1:
        bytes[at] = random.integer(256);
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = joined(bytes.subarray(0, at), bytes.subarray(at + length));
        break;
      case 4: {
        const from = random.integer(bytes.length);
        const piece = bytes.slice(from, from + length);
        bytes = joined(bytes.subarray(0, at), piece, bytes.subarray(at));
        break;
      }
      case 5: {
        const value = new BigUint64Array([EDGES[random.integer(EDGES.length)]!]);
        const width = [1, 2, 4, 8][random.integer(4)]!;
        const room = Math.min(width, bytes.length - at);
        bytes.set(new Uint8Array(value.buffer).subarray(0, room), at);
        break;
      }
      default: {
        const digits = new TextEncoder().encode(`${random.integer(2 ** 31)}`);
        bytes.set(digits.subarray(0, bytes.length - at), at);
      }
    }
  }
  return bytes;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

describe('damaged files', () => {
  const zip = goldenBytes('weights/pth_variants.pth');
  const legacy = goldenBytes('weights/pth_variants_legacy.pth');
  const safe = goldenBytes('weights/pth_variants_expected.safetensors');
  it.each([
    ['safetensors', safe, 0, 1100, 2000],
    ['pickle in a zip', zip, 64, 1413, 2000],
    ['zip directory', zip, 3072, zip.length, 1000],
    ['legacy .pth', legacy, 0, 1900, 2000],
    ['large .pth', goldenBytes('weights/vqa.pth'), 64, 24_000, 100],
  ])('give a typed error or can be read: %s', async (name, original, begin, end, count) => {
    const outcomes = new Map<string, number>();
    for (let i = 0; i < count; i++) {
      const bytes = mutate(original, begin, end, draw(1, `fuzz ${name}`, 0, i));
      const outcome = await attempt(bytes).catch((cause) => {
        throw new Error(`case ${i} of ${name}`, { cause });
      });
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // The mutations must reach both sides, or the test says nothing.
    expect(outcomes.size).toBeGreaterThan(3);
    expect(outcomes.get('read')).toBeGreaterThan(0);
    expect(outcomes.get('test/too-long')).toBeUndefined();
  });
});

describe('files made to harm', () => {
  const repeat = (bytes: Uint8Array, times: number): Uint8Array => {
    const result = new Uint8Array(bytes.length * times);
    for (let i = 0; i < times; i++) result.set(bytes, i * bytes.length);
    return result;
  };
  const bomb = (prefix: Uint8Array, unit: Uint8Array, times: number) =>
    torchFileOf(joined(pickleOf(0x80, 2), prefix, repeat(unit, times), pickleOf('.')));
  const none = new Uint8Array(0);

  it.each<[string, Uint8Array, Uint8Array, number]>([
    ['dicts', none, pickleOf('}'), MIB],
    ['lists', none, pickleOf(']'), MIB],
    ['marks', none, pickleOf('('), 4 * MIB],
    ['sets', none, pickleOf(0x8f), MIB],
    ['nothing', none, pickleOf('N'), 4 * MIB],
    ['nested tuples', pickleOf('N'), pickleOf(0x85), 4 * MIB],
    ['nested lists', none, pickleOf('(N', 'l'), 4 * MIB],
    ['memo entries', pickleOf('N'), pickleOf(0x94), MIB],
    ['copies of the top', pickleOf(']'), pickleOf('2'), 4 * MIB],
    ['calls', none, pickleOf('ccollections\nOrderedDict\n)R'), MIB],
    ['texts', none, textOf('some text'), MIB],
    ['a list that contains itself', pickleOf(']'), pickleOf('2a'), 2 * MIB],
    ['a list that doubles', pickleOf(']'), pickleOf('q', 0, '](h', 0, 'h', 0, 'e'), MIB],
    [
      'copies of a long dict',
      pickleOf('](', ...Array(200).fill(pickleOf('NN', 0x86)), 'eq', 0),
      pickleOf('ccollections\nOrderedDict\nh', 0, 0x85, 'R0'),
      100_000,
    ],
  ])('cannot fill the memory with %s', async (_, prefix, unit, times) => {
    const outcome = await attempt(await bomb(prefix, unit, times));
    expect(outcome).toMatch(/^checkpoint\/(pickle-too-large|no-state-dict)$/);
  });

  it.each<[string, Uint8Array]>([
    ['text of 4 GiB', pickleOf('X', 255, 255, 255, 255)],
    ['text of 2⁶³ bytes', pickleOf(0x8d, 0, 0, 0, 0, 0, 0, 0, 128)],
    ['an integer of 2 GiB', pickleOf(0x8b, 255, 255, 255, 127)],
    ['a far memo entry', pickleOf('Nr', 255, 255, 255, 255)],
  ])('may claim %s', async (_, unit) => {
    const outcome = await attempt(await bomb(none, unit, 1));
    expect(outcome).toMatch(/^checkpoint\/(pickle-truncated|no-state-dict)$/);
  });

  const header = (json: string): Uint8Array => {
    const text = new TextEncoder().encode(json);
    const prefix = new Uint8Array(new BigUint64Array([BigInt(text.length)]).buffer);
    return joined(prefix, text);
  };
  const tiny = (i: number) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`;
  it.each([
    ['nested arrays', `{"a":${'['.repeat(20 * MIB)}`],
    ['nested objects', '{"a":'.repeat(4 * MIB)],
    ['a text without end', `{"${'a'.repeat(20 * MIB)}`],
    ['a long shape', `{"a":{"shape":[${'1,'.repeat(8 * MIB)}1]}}`],
    ['a long number', `{"a":{"shape":[${'1'.repeat(20 * MIB)}]}}`],
    ['200,000 tensors', `{${Array.from({ length: 200_000 }, (_, i) => tiny(i)).join()}}`],
    [
      'much metadata',
      `{"__metadata__":{${Array.from({ length: 300_000 }, (_, i) => `"${i}":""`)}}}`,
    ],
  ])('cannot hold up the header parser with %s', async (_, json) => {
    expect(await attempt(header(json))).toBe('checkpoint/header');
  });
});
