// Writes src/text/trainer/nmt-nfkc.data.ts: the character map of the rules `nmt_nfkc`, taken from a
// SentencePiece model that carries it.
//   node scripts/extract-charsmap.mjs ../../fixtures/golden/tokenizer/tiny_unigram1000.spm
import { readFileSync, writeFileSync } from 'node:fs';
import { zlibSync } from 'fflate';

const model = readFileSync(process.argv[2]);
const map = charsmap(model);
const trieBytes = map.readUInt32LE(0);
// Units of the trie differ mostly in their low bytes: stored byte by byte of the unit they pack better.
const planes = Buffer.alloc(map.length);
map.copy(planes, 0, 0, 4);
const units = trieBytes / 4;
for (let i = 0; i < trieBytes; i++) planes[4 + (i % 4) * units + (i >> 2)] = map[4 + i];
map.copy(planes, 4 + trieBytes, 4 + trieBytes);
const packed = Buffer.from(zlibSync(planes, { level: 9 })).toString('base64');
const target = new URL('../src/text/trainer/nmt-nfkc.data.ts', import.meta.url);
writeFileSync(
  target,
  `// Written by scripts/extract-charsmap.mjs. The rules are those of SentencePiece (Copyright 2016
// Google Inc., Apache License 2.0; see LICENSE-sentencepiece in this package).
/** Zlib stream, in base64, of the compiled rules with the bytes of the trie's units taken apart. */
export const NMT_NFKC: string =
  '${packed}';
`,
);

function charsmap(bytes) {
  for (const [field, spec] of fields(bytes)) {
    if (field !== 3) continue;
    for (const [inner, value] of fields(spec)) if (inner === 2) return value;
  }
  throw new Error(`${process.argv[2]} has no character map`);
}

function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const length = { 0: 0, 1: 8, 5: 4 }[key & 7] ?? varint();
    if ((key & 7) === 0) varint();
    yield [key >> 3, bytes.subarray(at, at + length)];
    at += length;
  }
}
