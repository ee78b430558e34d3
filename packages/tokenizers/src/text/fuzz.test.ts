import { readFileSync } from 'node:fs';
import { draw, type RandomStream, TokenizerError } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { SentencePiece, textTokenizer, trainUnigram } from './index.js';
import { ProtoWriter } from './proto.js';

const MIB = 2 ** 20;
const golden = new Uint8Array(
  readFileSync(
    new URL('../../../../fixtures/golden/tokenizer/tiny_unigram1000.spm', import.meta.url),
  ),
);
const texts = [
  'A man riding a wave.',
  ' ﬁsh\u3000㌔ e\u0301 ',
  '日本語 🦊👩‍🚀',
  'x'.repeat(500),
  '\0\u0001',
];

/** Reads, encodes and decodes; throws what is neither success nor a `TokenizerError`. */
function readAndUse(bytes: Uint8Array): 'read' | 'refused' {
  try {
    const model = new SentencePiece(bytes);
    for (const text of texts) {
      const pieces = model.encode(text);
      const joined = pieces.map(({ piece }) => piece).join('');
      if (joined !== model.normalize(text)) throw new Error(`pieces of ${JSON.stringify(text)}`);
      model.decode(pieces.map(({ id }) => id));
    }
    textTokenizer(bytes).encode(texts[0]!);
    return 'read';
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    return 'refused';
  }
}

function exercise(bytes: Uint8Array): 'read' | 'refused' {
  const begin = process.cpuUsage();
  const outcome = readAndUse(bytes);
  // Processor time: the wall clock would also measure what else the machine does.
  const { user, system } = process.cpuUsage(begin);
  if (user + system > 2e6) throw new Error(`took ${(user + system) / 1e6} s`);
  return outcome;
}

function mutate(original: Uint8Array, random: RandomStream): Uint8Array {
  const size = original.length;
  const at = random.integer(size);
  const length = 1 + random.integer(Math.min(64, size - at));
  switch (random.integer(7)) {
    case 0:
      return original.slice(0, at);
    case 1: {
      const copy = original.slice();
      for (let i = 0; i < 1 + random.integer(8); i++) {
        copy[random.integer(size)]! ^= 1 << random.integer(8);
      }
      return copy;
    }
    case 2: {
      const copy = original.slice();
      for (let i = at; i < at + length; i++) copy[i] = random.integer(256);
      return copy;
    }
    case 3:
      return Uint8Array.of(...original.subarray(0, at), ...original.subarray(at + length));
    case 4: {
      const from = random.integer(size - length + 1);
      const copy = original.slice();
      copy.set(original.subarray(from, from + length), Math.min(at, size - length));
      return copy;
    }
    case 5: {
      const copy = original.slice();
      copy[at] = 0xff;
      return copy;
    }
    default: {
      // A varint of a length that is far too large, as a damaged length would be.
      const copy = original.slice();
      for (let i = at; i < Math.min(size, at + 9); i++) copy[i]! |= 0x80;
      return copy;
    }
  }
}

describe('damaged models', () => {
  it('are refused or read, by thousands', () => {
    const { spm } = trainUnigram(['a man riding a wave', 'a dog riding a board on a wave'], {
      vocabSize: 19,
      characterCoverage: 1,
      normalization: 'identity',
    });
    expect(exercise(spm)).toBe('read');
    const random = draw(11, 'fuzz-small');
    let refused = 0;
    for (let i = 0; i < 6000; i++) if (exercise(mutate(spm, random)) === 'refused') refused++;
    expect(refused).toBeGreaterThan(2000);
    expect(refused).toBeLessThan(6000);
  });

  it('with damaged normalisation rules are refused or read', () => {
    const marker = new TextEncoder().encode('nmt_nfkc');
    const rules = golden.findIndex((_, i) => marker.every((byte, k) => golden[i + k] === byte));
    expect(rules).toBeGreaterThan(0);
    const random = draw(12, 'fuzz-rules');
    for (let i = 0; i < 400; i++) {
      const copy = golden.slice();
      // The head of the trie and the replacements are what every text passes through.
      const near = random.integer(3);
      for (let n = 0; n < 1 + random.integer(200); n++) {
        const at =
          near === 0 ? rules + random.integer(4096) : rules + random.integer(copy.length - rules);
        copy[at] = random.integer(256);
      }
      exercise(copy);
    }
  });

  it('take memory and time in proportion to their size', () => {
    const many = new ProtoWriter();
    many.bytes(1, new ProtoWriter().string(1, '<unk>').varint(3, 2).finish());
    for (let i = 0; i < 400_000; i++) {
      many.bytes(1, new ProtoWriter().string(1, i.toString(36)).finish());
    }
    const long = new ProtoWriter();
    long.bytes(1, new ProtoWriter().string(1, '<unk>').varint(3, 2).finish());
    for (let i = 0; i < 2000; i++) {
      long.bytes(1, new ProtoWriter().string(1, 'x'.repeat(i + 1)).finish());
    }
    const control = new ProtoWriter();
    for (let i = 0; i < 100_000; i++) {
      control.bytes(1, new ProtoWriter().string(1, `c${i}`).varint(3, 3).finish());
    }
    for (const [file, outcome] of [
      [many.finish(), 'refused'],
      [long.finish(), 'refused'],
      [control.finish(), 'refused'],
      [new Uint8Array(16 * MIB).fill(0x0a), 'refused'],
    ] as const) {
      const used = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
      const before = used();
      // Refused by the layout of `textTokenizer` at the latest: none has <s> and </s>.
      expect(exercise(file)).toBe(outcome);
      expect(used() - before).toBeLessThan(64 * MIB + 4 * file.length);
    }
  });
});
