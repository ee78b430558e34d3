import { TokenizerError } from '@imglish/core';
import { readModel, type SentencePieceModel } from './model-proto.js';
import { type LiteralMatcher, Normalizer } from './normalizer.js';
import { PIECE_TYPE, type PieceTable, PrefixSearch } from './piece-table.js';
import { Viterbi } from './viterbi.js';

/** U+2581, which stands for a space in pieces. */
export const META_SPACE = '\u2581';

/** A piece of a text: `text.slice(start, end)` is what it stands for (UTF-16 indices). */
export interface TextPiece {
  readonly id: number;
  /** The piece as the vocabulary spells it; an unknown run carries its own (normalised) text. */
  readonly piece: string;
  readonly start: number;
  readonly end: number;
}

/**
 * A SentencePiece unigram model with the ids of its own file (`<unk>` 0 in models of the default
 * layout); `textTokenizer` gives the ids that BEiT-3 uses.
 */
export class SentencePiece {
  readonly #model: SentencePieceModel;
  readonly #normalizer: Normalizer;
  readonly #viterbi: Viterbi;

  /** Reads a `.spm` file; throws a `TokenizerError` for what is none (see `readModel`). */
  constructor(bytes: Uint8Array) {
    this.#model = readModel(bytes);
    const { pieces, normalizer } = this.#model;
    this.#normalizer = new Normalizer(normalizer, userDefinedMatcher(pieces));
    this.#viterbi = new Viterbi(pieces);
  }

  /** Number of pieces, those for control and unknown included. */
  get size(): number {
    return this.#model.pieces.size;
  }

  /** The text after normalisation, U+2581 for every space. */
  normalize(text: string): string {
    return decodeUtf8(this.#normalizer.normalize(text).bytes);
  }

  /** Splits a text; a run of characters without a piece is one unknown piece. */
  encode(text: string): TextPiece[] {
    const { bytes, origins } = this.#normalizer.normalize(text);
    const { ids, ends } = this.#viterbi.segment(bytes);
    const result: TextPiece[] = [];
    for (let i = 0, from = 0; i < ids.length; i++) {
      const id = ids[i]!;
      const end = ends[i]!;
      const unknown = this.typeOf(id) === PIECE_TYPE.unknown;
      // A run goes on while the next piece is unknown too.
      if (unknown && i + 1 < ids.length && ids[i + 1] === id) continue;
      result.push({
        id,
        piece: decodeUtf8(bytes.subarray(from, end)),
        start: origins[from]!,
        end: origins[end]!,
      });
      from = end;
    }
    return result;
  }

  /** Ids back to text: control pieces vanish, the unknown piece becomes the model's surface for it. */
  decode(ids: Iterable<number>): string {
    const { normalizer, unknownSurface } = this.#model;
    let text = '';
    // Whether a U+2581 at the front is still to be dropped.
    let atStart = normalizer.addDummyPrefix || normalizer.removeExtraWhitespaces;
    for (const id of ids) {
      let piece = this.idToPiece(id);
      const type = this.typeOf(id);
      if (type === PIECE_TYPE.control) continue;
      if (type === PIECE_TYPE.unknown) {
        text += unknownSurface;
      } else {
        if (atStart && text === '' && piece.startsWith(META_SPACE)) {
          piece = piece.slice(META_SPACE.length);
          if (!normalizer.removeExtraWhitespaces) atStart = false;
        }
        text += piece.replaceAll(META_SPACE, ' ');
      }
    }
    return text;
  }

  /** Text of a piece; throws `tokenizer/wrong-vocabulary` for an id that the model has not. */
  idToPiece(id: number): string {
    if (!Number.isInteger(id) || id < 0 || id >= this.size) {
      throw new TokenizerError({
        code: 'tokenizer/wrong-vocabulary',
        where: 'SentencePiece.idToPiece',
        expected: `an id from 0 to ${this.size - 1}`,
        got: `${id}`,
        fix: 'The ids come from another vocabulary; load the model they were made with.',
      });
    }
    return this.#model.pieces.piece(id);
  }

  /** Id of a piece, or undefined where the vocabulary lacks it. */
  pieceToId(piece: string): number | undefined {
    const id = this.#model.pieces.find(piece);
    return id < 0 ? undefined : id;
  }

  /** Log probability of a piece; 0 for control and unknown. */
  scoreOf(id: number): number {
    this.idToPiece(id);
    return this.#model.pieces.scores[id]!;
  }

  /** Kind of a piece, numbered as in the file format (`PIECE_TYPE`). */
  typeOf(id: number): number {
    return this.#model.pieces.types[id] ?? 0;
  }
}

/** User-defined pieces are taken from the text as they stand, before any rule applies. */
function userDefinedMatcher(pieces: PieceTable): LiteralMatcher | undefined {
  if (!pieces.types.includes(PIECE_TYPE.userDefined)) return undefined;
  const search = new PrefixSearch(pieces);
  return (bytes, at) => {
    let longest = 0;
    search.start(bytes, at);
    while (search.next()) {
      if (pieces.types[search.id] === PIECE_TYPE.userDefined) longest = search.length;
    }
    return longest;
  };
}

const decoder: TextDecoder = new TextDecoder('utf-8', { ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
