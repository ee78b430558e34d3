import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readModel, writeModel } from './model-proto.js';
import { PIECE_TYPE } from './piece-table.js';
import { ProtoWriter } from './proto.js';
import { SentencePiece } from './sentencepiece.js';
import { nmtNfkc } from './trainer/nmt-nfkc.js';

const golden = new URL('../../../../fixtures/golden/tokenizer/', import.meta.url);
const trainer = {
  characterCoverage: 1,
  seedSize: 100,
  shrinkingFactor: 0.75,
  subIterations: 2,
  maxTextBytes: 4192,
  maxPieceLength: 16,
};
const identity = { name: 'identity', charsmap: new Uint8Array(0) };

/** A model of `<unk>` and the given pieces, with a trainer and a normalizer message. */
function model(
  pieces: [string, number, number?][],
  spec: ProtoWriter = new ProtoWriter(),
  rules: ProtoWriter = new ProtoWriter(),
): Uint8Array {
  const out = new ProtoWriter();
  for (const [piece, score, type] of [['<unk>', 0, PIECE_TYPE.unknown] as const, ...pieces]) {
    const message = new ProtoWriter().string(1, piece).float(2, score);
    out.bytes(1, (type === undefined ? message : message.varint(3, type)).finish());
  }
  return out.bytes(2, spec.finish()).bytes(3, rules.finish()).finish();
}
const codeOf = (bytes: Uint8Array): string => {
  try {
    new SentencePiece(bytes);
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
};

describe('readModel', () => {
  it('reads what writeModel wrote', () => {
    const pieces = [
      { piece: '▁a', score: -1.25 },
      { piece: '猫', score: -2.5 },
      { piece: '🦊', score: -3 },
    ];
    const read = readModel(writeModel(pieces, identity, trainer));
    const names = Array.from({ length: read.pieces.size }, (_, id) => read.pieces.piece(id));
    expect(names).toEqual(['<unk>', '<s>', '</s>', '▁a', '猫', '🦊']);
    expect([...read.pieces.scores]).toEqual([0, 0, 0, -1.25, -2.5, -3]);
    expect(read.normalizer.name).toBe('identity');
    for (const [id, name] of names.entries()) expect(read.pieces.find(name)).toBe(id);
    for (const name of ['', '▁', '▁ab', 'zz']) expect(read.pieces.find(name)).toBe(-1);
  });

  it('has the rules nmt_nfkc byte for byte', () => {
    const bytes = new Uint8Array(readFileSync(new URL('tiny_unigram1000.spm', golden)));
    expect(Buffer.compare(nmtNfkc(), readModel(bytes).normalizer.charsmap)).toBe(0);
  });

  it('refuses models of another kind', () => {
    const a: [string, number][] = [['▁a', -1]];
    const spec = () => new ProtoWriter();
    expect(codeOf(model(a))).toBe('none');
    for (const type of [2, 3, 4, 9]) {
      expect(codeOf(model(a, spec().varint(3, type)))).toBe('tokenizer/unsupported-model');
    }
    expect(codeOf(model(a, spec().varint(24, 1)))).toBe('tokenizer/unsupported-model');
    expect(codeOf(model(a, spec().varint(35, 1)))).toBe('tokenizer/unsupported-model');
    expect(codeOf(model(a, spec(), spec().varint(5, 0)))).toBe('tokenizer/unsupported-model');
    expect(codeOf(model([['<0x00>', 0, PIECE_TYPE.byte]]))).toBe('tokenizer/unsupported-model');
  });

  it('refuses models that contradict themselves', () => {
    const corrupt: Uint8Array[] = [
      new Uint8Array(0),
      new TextEncoder().encode('hello, this is no model'),
      model([['', -1]]),
      model([['a', Number.NaN]]),
      model([['a', Number.NEGATIVE_INFINITY]]),
      model([['a', -1, 7]]),
      model([['b', 0, PIECE_TYPE.unknown]]),
      model([['a'.repeat(3000), -1]]),
      model([
        ['a', -1],
        ['a', -2],
      ]),
      model([], new ProtoWriter(), new ProtoWriter().bytes(2, new Uint8Array(12).fill(255))),
      new ProtoWriter().bytes(1, new ProtoWriter().string(1, 'a').finish()).finish(),
      new ProtoWriter()
        .bytes(1, new ProtoWriter().bytes(1, Uint8Array.of(0xff, 0xfe)).varint(3, 2).finish())
        .finish(),
    ];
    for (const bytes of corrupt) expect(codeOf(bytes)).toBe('tokenizer/corrupt-model');
  });

  it('takes user-defined pieces as they stand and never gives unused ones', () => {
    const sp = new SentencePiece(
      model([
        ['▁', -1],
        ['a', -1],
        ['b', -1],
        ['ab', -0.5, PIECE_TYPE.unused],
        ['<IMG>', 0, PIECE_TYPE.userDefined],
        ['ﬁ', 0, PIECE_TYPE.userDefined],
      ]),
    );
    expect(sp.encode('ab<IMG>a').map(({ piece }) => piece)).toEqual(['▁', 'a', 'b', '<IMG>', 'a']);
    const rules = new ProtoWriter().string(1, 'nmt_nfkc').bytes(2, nmtNfkc());
    const normalizing = new SentencePiece(
      model([['ﬁ', 0, PIECE_TYPE.userDefined]], new ProtoWriter(), rules),
    );
    // The ligature is a piece and stays; the one for fl is written out by NFKC.
    expect(normalizing.normalize('ﬁﬂ')).toBe('▁ﬁfl');
  });

  it('follows the white-space flags of the model', () => {
    const pieces: [string, number][] = [
      ['▁', -1],
      ['a', -1],
    ];
    const flags = (prefix: number, extra: number) =>
      new SentencePiece(
        model(pieces, new ProtoWriter(), new ProtoWriter().varint(3, prefix).varint(4, extra)),
      );
    expect(flags(1, 1).normalize(' a  a ')).toBe('▁a▁a');
    expect(flags(0, 1).normalize(' a  a ')).toBe('a▁a');
    expect(flags(1, 0).normalize(' a  a ')).toBe('▁▁a▁▁a▁');
    expect(flags(0, 0).normalize(' a  a ')).toBe('▁a▁▁a▁');
    const keeping = flags(1, 0);
    expect(keeping.decode(keeping.encode(' a  a ').map(({ id }) => id))).toBe(' a  a ');
  });
});
