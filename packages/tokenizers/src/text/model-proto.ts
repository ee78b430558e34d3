import { PIECE_TYPE, PieceTable } from './piece-table.js';
import { corrupt, ProtoReader, ProtoWriter, unsupported, WIRE } from './proto.js';

/** How a model writes white space and characters before it looks for pieces. */
export interface NormalizerSpec {
  /** Name of the rules, e.g. `nmt_nfkc`. */
  readonly name: string;
  /** The compiled rules; empty for none. */
  readonly charsmap: Uint8Array;
  /** Puts U+2581 in front of non-empty text. */
  readonly addDummyPrefix: boolean;
  /** Strips white space at both ends and collapses runs of it. */
  readonly removeExtraWhitespaces: boolean;
}

/** What this package reads of a SentencePiece `ModelProto`. */
export interface SentencePieceModel {
  readonly pieces: PieceTable;
  readonly normalizer: NormalizerSpec;
  /** What decoding writes for the unknown piece. */
  readonly unknownSurface: string;
}

/** Longest piece of the file format: 512 characters of 4 bytes. */
const MAX_PIECE_BYTES = 2048;
const MODEL_TYPES: readonly string[] = ['', 'unigram', 'BPE', 'word', 'char'];

/**
 * Reads a SentencePiece unigram model (`.spm`, `.model`).
 *
 * Field numbers are those of `sentencepiece_model.proto`. Throws a `TokenizerError`:
 * `tokenizer/corrupt-model` for bytes that are no such message or contradict themselves,
 * `tokenizer/unsupported-model` for other model types, byte fallback, white space as suffix or
 * unescaped, and denormalisation rules.
 */
export function readModel(bytes: Uint8Array): SentencePieceModel {
  const trainer = { modelType: 1, byteFallback: false, suffix: false, unknownSurface: ' \u2047 ' };
  const normalizer = {
    name: '',
    charsmap: new Uint8Array(0),
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
  };
  let count = 0;
  const message = new ProtoReader(bytes);
  while (message.next()) {
    if (message.field < 1 || message.field > 5) continue;
    message.expect(WIRE.bytes, `field ${message.field} of the model`);
    const inner = new ProtoReader(bytes, message.start, message.end);
    if (message.field === 1) count++;
    else if (message.field === 2) readTrainerSpec(bytes, inner, trainer);
    else if (message.field === 3) readNormalizerSpec(bytes, inner, normalizer);
    else if (message.field === 5) refuseDenormalizer(inner);
  }
  if (count === 0) throw corrupt('a model with pieces', `none in ${bytes.length} bytes`);
  if (trainer.modelType !== 1) {
    const type = MODEL_TYPES[trainer.modelType] ?? `type ${trainer.modelType}`;
    throw unsupported('a unigram model', `a ${type} model`);
  }
  if (trainer.byteFallback) throw unsupported('no byte fallback', 'a model with byte fallback');
  if (trainer.suffix) throw unsupported('white space as prefix', 'white space as suffix');
  return {
    pieces: readPieces(bytes, count),
    normalizer,
    unknownSurface: trainer.unknownSurface,
  };
}

function readTrainerSpec(
  bytes: Uint8Array,
  spec: ProtoReader,
  into: { modelType: number; byteFallback: boolean; suffix: boolean; unknownSurface: string },
): void {
  while (spec.next()) {
    if (spec.field === 3) {
      spec.expect(WIRE.varint, 'model_type');
      into.modelType = spec.value;
    } else if (spec.field === 24) {
      spec.expect(WIRE.varint, 'treat_whitespace_as_suffix');
      into.suffix = spec.value !== 0;
    } else if (spec.field === 35) {
      spec.expect(WIRE.varint, 'byte_fallback');
      into.byteFallback = spec.value !== 0;
    } else if (spec.field === 44) {
      spec.expect(WIRE.bytes, 'unk_surface');
      into.unknownSurface = utf8(bytes.subarray(spec.start, spec.end), 'unk_surface');
    }
  }
}

function readNormalizerSpec(
  bytes: Uint8Array,
  spec: ProtoReader,
  into: { -readonly [K in keyof NormalizerSpec]: NormalizerSpec[K] },
): void {
  while (spec.next()) {
    if (spec.field === 1) {
      spec.expect(WIRE.bytes, 'the name of the rules');
      into.name = utf8(bytes.subarray(spec.start, spec.end), 'the name of the rules');
    } else if (spec.field === 2) {
      spec.expect(WIRE.bytes, 'precompiled_charsmap');
      into.charsmap = bytes.slice(spec.start, spec.end);
    } else if (spec.field === 3) {
      spec.expect(WIRE.varint, 'add_dummy_prefix');
      into.addDummyPrefix = spec.value !== 0;
    } else if (spec.field === 4) {
      spec.expect(WIRE.varint, 'remove_extra_whitespaces');
      into.removeExtraWhitespaces = spec.value !== 0;
    } else if (spec.field === 5) {
      spec.expect(WIRE.varint, 'escape_whitespaces');
      if (spec.value === 0) throw unsupported('escaped white space', 'a model without');
    }
  }
}

function refuseDenormalizer(spec: ProtoReader): void {
  while (spec.next()) {
    if (spec.field === 2 && spec.end > spec.start) {
      throw unsupported('no denormalisation rules', `${spec.end - spec.start} bytes of them`);
    }
  }
}

function readPieces(bytes: Uint8Array, count: number): PieceTable {
  const scores = new Float32Array(count);
  const types = new Uint8Array(count).fill(PIECE_TYPE.normal);
  const starts = new Uint32Array(count + 1);
  // Texts are gathered by place first, so that they can be copied once the total is known.
  const places = new Uint32Array(count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const message = new ProtoReader(bytes);
  let unknown = 0;
  for (let id = 0; message.next(); ) {
    if (message.field !== 1) continue;
    const piece = new ProtoReader(bytes, message.start, message.end);
    let length = 0;
    while (piece.next()) {
      if (piece.field === 1) {
        piece.expect(WIRE.bytes, `the text of piece ${id}`);
        places[id] = piece.start;
        length = piece.end - piece.start;
      } else if (piece.field === 2) {
        piece.expect(WIRE.fixed32, `the score of piece ${id}`);
        scores[id] = view.getFloat32(piece.start, true);
      } else if (piece.field === 3) {
        piece.expect(WIRE.varint, `the type of piece ${id}`);
        types[id] = pieceType(piece.value, id);
      }
    }
    if (length === 0 || length > MAX_PIECE_BYTES) {
      throw corrupt(`pieces of 1 to ${MAX_PIECE_BYTES} bytes`, `${length} bytes in piece ${id}`);
    }
    if (!Number.isFinite(scores[id]!)) {
      throw corrupt('finite scores', `${scores[id]} at piece ${id}`);
    }
    if (types[id] === PIECE_TYPE.unknown && ++unknown > 1) {
      throw corrupt('one unknown piece', `a second one at ${id}`);
    }
    starts[id + 1] = starts[id]! + length;
    id++;
  }
  if (unknown === 0) throw corrupt('an unknown piece', 'none');
  const text = new Uint8Array(starts[count]!);
  for (let id = 0; id < count; id++) {
    const length = starts[id + 1]! - starts[id]!;
    text.set(bytes.subarray(places[id]!, places[id]! + length), starts[id]!);
    // With all of them in a row valid, each is valid if none starts within a character.
    if ((text[starts[id]!]! & 0xc0) === 0x80) {
      throw corrupt('pieces in UTF-8', `half a character at the start of piece ${id}`);
    }
  }
  utf8(text, 'the pieces');
  return new PieceTable(text, starts, scores, types);
}

function pieceType(value: number, id: number): number {
  if (value === PIECE_TYPE.byte) throw unsupported('no byte pieces', `one at ${id}`);
  if (value < PIECE_TYPE.normal || value > PIECE_TYPE.byte) {
    throw corrupt('a known piece type', `${value} at piece ${id}`);
  }
  return value;
}

function utf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw corrupt(`UTF-8 in ${name}`, 'other bytes', cause);
  }
}

/** A piece as `writeModel` takes it; `score` is a natural logarithm. */
export interface ScoredPiece {
  readonly piece: string;
  readonly score: number;
}

/** The options of training that a model file records. */
export interface TrainerRecord {
  readonly characterCoverage: number;
  readonly seedSize: number;
  readonly shrinkingFactor: number;
  readonly subIterations: number;
  readonly maxTextBytes: number;
  readonly maxPieceLength: number;
}

/**
 * Writes a unigram model that `readModel` and SentencePiece read: `<unk>` 0, `<s>` 1, `</s>` 2, then
 * the given pieces in order.
 */
export function writeModel(
  pieces: readonly ScoredPiece[],
  normalizer: Pick<NormalizerSpec, 'name' | 'charsmap'>,
  trainer: TrainerRecord,
): Uint8Array {
  const model = new ProtoWriter();
  const special = (piece: string, type: number): Uint8Array =>
    new ProtoWriter().string(1, piece).float(2, 0).varint(3, type).finish();
  model.bytes(1, special('<unk>', PIECE_TYPE.unknown));
  model.bytes(1, special('<s>', PIECE_TYPE.control));
  model.bytes(1, special('</s>', PIECE_TYPE.control));
  for (const { piece, score } of pieces) {
    model.bytes(1, new ProtoWriter().string(1, piece).float(2, score).finish());
  }
  const spec = new ProtoWriter()
    .varint(3, 1)
    .varint(4, pieces.length + 3)
    .float(10, trainer.characterCoverage)
    .varint(14, trainer.seedSize)
    .float(15, trainer.shrinkingFactor)
    .varint(17, trainer.subIterations)
    .varint(18, trainer.maxTextBytes)
    .varint(20, trainer.maxPieceLength);
  model.bytes(2, spec.finish());
  const rules = new ProtoWriter().string(1, normalizer.name).bytes(2, normalizer.charsmap);
  model.bytes(3, rules.varint(3, 1).varint(4, 1).varint(5, 1).finish());
  return model.finish();
}
